"""Looking at what is old over both databases: it decides as if all that is newer had been read too."""

from __future__ import annotations

from datetime import timedelta

from mgmt_ansible.control_plane.looking import Ages, Kind, look
from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS
from mgmt_ansible.domain.judging import Judge
from mgmt_ansible.domain.retention import Judgement
from tests.contract.store.histories import History
from tests.contract.store.sites import Site

HISTORIES = 12
Judgements = dict[tuple[Kind, int], Judgement]


def write(site: Site, seed: int) -> None:
    environments = site.services.registry.list_environments().data
    history = History(
        seed=seed,
        environment_ids=tuple(one.id for one in environments),
        package_id=site.package.id,
        now=site.clock(),
        orderly=bool(seed % 2),
    )
    with site.store.write() as tx:
        history.write(tx, tx.access._connection)


def looked_at(site: Site) -> Judgements:
    with site.store.read() as tx:
        rules = tx.retention.rules()
    batches = look(site.store, rules, Ages(block=16))
    return {(batch.kind, one.thing.sequence): one.judgement for batch in batches for one in batch.judged}


def judged_from_the_newest(site: Site) -> Judgements:
    """By one judge that meets everything itself."""
    with site.store.read() as tx:
        judge = Judge(tx.pruning.standing(tx.retention.rules(), now=tx.now))
        entries = tx.pruning.entries(before=2**62, limit=1_000)
        runs = tx.pruning.runs(before=None, limit=1_000)
    found = {(Kind.ENTRIES, one.sequence): judge.judge_entry(one) for one in entries}
    return found | {(Kind.RUNS, one.sequence): judge.judge_run(one) for one in runs}


def test_what_is_young_decides_without_being_read(site: Site):
    """Whatever the history, also when the store's clock was set back: of what is old enough nothing is judged otherwise."""
    site.add_environment("stage")
    for seed in range(HISTORIES):
        write(site, seed)
        looked, whole = looked_at(site), judged_from_the_newest(site)

        assert {key: whole[key] for key in looked} == looked, seed
        assert {key for key, one in whole.items() if one.old or key[0] is Kind.RUNS} <= looked.keys(), seed


def test_ages_are_remembered(site: Site):
    """What was read once is known, what came since is read, and what went is not found any more."""
    write(site, 1)
    ages = Ages(block=4)
    with site.store.read() as tx:
        entries = tx.pruning.entries(before=2**62, limit=1_000)
    time = entries[len(entries) // 2].stored_at
    older = [one.sequence for one in entries if one.stored_at < time]

    assert max(older) == ages.newest_before(site.store, time) == ages.newest_before(site.store, time)

    newest = max(one.stored_at for one in entries) + timedelta(seconds=1)
    assert entries[0].sequence == ages.newest_before(site.store, newest)

    with site.store.write() as tx:
        tx.access._connection.execute(DEPLOYMENT_EVENTS.delete())
    assert 0 == ages.newest_before(site.store, newest)
