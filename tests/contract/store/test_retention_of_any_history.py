"""Whatever the history and the policies: what is live is the same after a prune as before it.

`MGMT_ANSIBLE_CASES=10000 .venv/bin/pytest tests/contract/store/test_retention_of_any_history.py` prunes as many histories.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.domain import deployment_events, flapping
from mgmt_ansible.domain.event_filters import EVERYTHING
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2
from tests.contract.store.histories import DEPLOYMENT_IDS, GENERATIONS, History
from tests.contract.store.sites import Site

CASES = int(os.environ.get("MGMT_ANSIBLE_CASES", "50"))
OPEN = ("pending", "running", "unknown")
TO_GO_BACK_TO = ("deployment_launch", "deployment_replace_model", "deployment_rollback")


def write(site: Site, seed: int) -> None:
    environments = site.services.registry.list_environments().data
    history = History(
        seed=seed,
        environment_ids=tuple(one.id for one in environments),
        package_id=site.package.id,
        now=site.clock(),
    )
    with site.store.write() as tx:
        history.write(tx, tx.access._connection)


def feed(site: Site) -> list[api_v2.DeploymentEvent]:
    """All entries, newest first, but those that tell of pruning now."""
    found = site.services.deployment_events.list_events(EVERYTHING, limit=500).data
    return [one for one in found if one.type != deployment_events.FEED_PRUNED or one.received_at < site.clock()]


def live_views(site: Site, entries: list[api_v2.DeploymentEvent], runs: list[api_v2.Run]) -> dict[str, object]:
    """What people and rules see of the present."""
    actions = site.services.actions.list_actions(limit=500).data
    with site.store.read() as tx:
        told = {
            (deployment_id, generation): healths
            for generation in range(1, GENERATIONS + 1)
            for deployment_id, healths in told_of_present(tx, generation).items()
        }
        present = site.services.deployments.list_deployments(limit=500).data
        return {
            "deployments": present,
            "each deployment": [site.services.deployments.get_deployment(one.id) for one in present],
            "environments": site.services.registry.list_environments().data,
            "newest of each deployment": site.services.deployment_events.newest_of(DEPLOYMENT_IDS),
            "newest of each deployment and host": newest_of_hosts(entries),
            "told healths": told,
            "flapping": {key: flapping.is_flapping(value) for key, value in told.items()},
            "actions": actions,
            "open": of_actions(runs, entries, [one for one in actions if one.status in OPEN]),
            "to go back to": of_actions(runs, entries, rollback_targets(actions)),
            "incidents": {one.id: of_incident(entries, one) for one in present},
            "audit": [one for one in entries if one.type in deployment_events.AUDIT],
            "held": held(tx, entries, runs),
            "young": [one for one in entries if (site.clock() - one.received_at).total_seconds() < 86_400],
        }


def told_of_present(tx: Transaction, generation: int) -> dict[str, tuple[flapping.Told, ...]]:
    return tx.deployment_events.told_healths(dict.fromkeys(DEPLOYMENT_IDS[:-1], generation))


def newest_of_hosts(entries: Iterable[api_v2.DeploymentEvent]) -> dict[object, str]:
    newest: dict[object, str] = {}
    for one in entries:
        spoken_of = {*one.data.get("hosts", {}), *([one.host] if one.host else [])}
        for host in (*spoken_of, "any host") if spoken_of else (None, "any host"):
            newest.setdefault((one.deployment_id or one.prediction_environment_id, host), one.id)
    return newest


def rollback_targets(actions: Iterable[api_v2.Action]) -> list[api_v2.Action]:
    found: list[api_v2.Action] = []
    for deployment_id in DEPLOYMENT_IDS[:-1]:
        fine = [one for one in actions if one.deployment_id == deployment_id and one.status == "succeeded"]
        found += [one for one in fine if one.type in TO_GO_BACK_TO][:2]
    return found


def of_actions(
    runs: Iterable[api_v2.Run], entries: Iterable[api_v2.DeploymentEvent], actions: Iterable[api_v2.Action]
) -> object:
    """The entries and the runs of actions."""
    ids = {one.id for one in actions}
    return [one for one in entries if one.action_id in ids], [one for one in runs if one.action_id in ids]


def runs_of(site: Site) -> list[api_v2.Run]:
    return site.services.runs.list_runs(limit=500).data


def of_incident(entries: Iterable[api_v2.DeploymentEvent], deployment: api_v2.Deployment) -> list[str]:
    """What came since the health of a deployment that is not passing is what it is."""
    health = deployment.service_health
    if health.status is Health.PASSING:
        return []
    since = health.start_date
    mine = [one for one in entries if one.deployment_id == deployment.id]
    return [one.id for one in mine if since is None or one.received_at >= since]


def held(tx: Transaction, entries: Iterable[api_v2.DeploymentEvent], runs: Iterable[api_v2.Run]) -> object:
    rules = tx.retention.rules()
    return (
        [one for one in entries if rules.holds(one.prediction_environment_id, one.deployment_id)],
        [one for one in runs if rules.holds(one.prediction_environment_id, one.deployment_id)],
    )


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63))
def test_a_prune_changes_nothing_that_is_live(site: Site, seed: int):
    """And does exactly what the preview said, once; what remains is found, and what went is counted still."""
    if len(site.services.registry.list_environments().data) < 2:
        site.add_environment("stage")
    write(site, seed)
    entries_before, runs_before = feed(site), runs_of(site)
    before, counted = live_views(site, entries_before, runs_before), site.services.deployment_events.counts()
    preview = site.services.retention.preview()

    done = site.services.retention.prune(actor="ann")

    entries, runs = feed(site), runs_of(site)
    after, again = live_views(site, entries, runs), site.services.retention.preview()
    gone = {one.id for one in runs_before} - {one.id for one in runs}
    assert [] == [name for name, view in before.items() if view != after[name]]
    assert set() == {one.run_id for one in entries} & gone, "a run is gone that an entry speaks of"
    assert preview.model_copy(update={"pruned": True}) == done
    assert len(entries_before) - done.entries == len(entries)
    assert (0, 0) == (again.entries, again.runs)
    pruned = {deployment_events.FEED_PRUNED: len(done.prediction_environments)} if done.prediction_environments else {}
    for event_type, count in site.services.deployment_events.counts().items():
        assert counted.get(event_type, 0) + pruned.get(event_type, 0) == count
