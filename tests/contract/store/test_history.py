"""The history: what deployments were at any time is what a look at that time would have seen; `MGMT_ANSIBLE_CASES=100` tries more."""

from __future__ import annotations

import contextlib
import os
import random
from datetime import datetime, timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.store.history_tables import HISTORY_BEGIN
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.wire.history import Difference
from tests.contract.store.sites import START, Site

Snapshot = dict[str, tuple[object, ...]]
STEPS = 60
CASES = int(os.environ.get("MGMT_ANSIBLE_CASES", "1"))


@pytest.fixture
def begun(site: Site) -> Site:
    """The history began with the site's own clock, not with the migration's."""
    with site.store.write() as tx:
        tx.history._connection.execute(HISTORY_BEGIN.update().values(since=START))
    return site


def snapshot(site: Site) -> Snapshot:
    """Return what a list of deployments says now."""
    return {
        one.id: (
            one.label,
            one.state,
            one.service_health.status,
            one.generation,
            one.model_package.version,
            one.model_package.digest,
            one.prediction_environment.name,
        )
        for one in site.services.deployments.list_deployments(limit=500).data
    }


def as_of(site: Site, moment: datetime) -> Snapshot:
    return {
        one.id: (
            one.label,
            one.state,
            one.health,
            one.generation,
            one.package_version,
            one.package_digest,
            one.prediction_environment_name,
        )
        for one in site.services.history.deployments_at(moment).data
    }


def step(site: Site, dice: random.Random) -> None:
    """Do something, or be refused."""
    deployment_id = f"d{dice.randrange(4)}"
    choice = dice.randrange(7)
    with contextlib.suppress(errors.MgmtAnsibleError):
        if choice == 0:
            site.create(deployment_id, launch=dice.random() < 0.7)
        elif choice == 1:
            site.replace(deployment_id)
        elif choice == 2:
            site.act(dice.choice((ActionType.DEPLOYMENT_STOP, ActionType.DEPLOYMENT_RELAUNCH)), deployment_id)
        elif choice == 3:
            site.services.deployments.delete(
                deployment_id, Asker(actor="ann"), ignore_management_agent=dice.random() < 0.5
            )
        elif (claim := site.claim()) is not None:
            site.report(claim, dice.choice((ActionStatus.SUCCEEDED, ActionStatus.FAILED, ActionStatus.UNKNOWN)))


@pytest.mark.parametrize("seed", range(CASES))
def test_as_of_any_time_is_the_snapshot_taken_then(begun: Site, seed: int):
    """Sixty random steps; also between two of them, and after the history was pruned."""
    site, dice = begun, random.Random(seed)
    snapshots: list[tuple[datetime, Snapshot]] = []
    for _ in range(STEPS):
        site.clock.pass_seconds(dice.choice((1, 3600, 86_400)))
        step(site, dice)
        snapshots.append((site.clock(), snapshot(site)))

    for moment, seen in snapshots:
        assert seen == as_of(site, moment)
        assert seen == as_of(site, moment + timedelta(milliseconds=900) if moment < site.clock() else moment)
    horizon = snapshots[STEPS // 2][0]
    with site.store.write() as tx:
        tx.history.move_begin(horizon)
        while tx.history.prune(horizon, limit=3):
            pass
    for moment, seen in snapshots:
        if moment >= horizon:
            assert seen == as_of(site, moment)
        else:
            with pytest.raises(errors.InvalidRequestError, match="begins at"):
                as_of(site, moment)


def test_what_differs_between_two_times_is_named(begun: Site):
    """Added, removed, changed and how; what is the same is left out."""
    site = begun
    site.ready("stays")
    site.ready("goes")
    site.ready("changes")
    before = site.clock()
    site.clock.pass_seconds(60)
    site.create("comes", launch=False)
    site.services.deployments.delete("goes", Asker(actor="ann"), ignore_management_agent=True)
    site.replace("changes")

    found = {one.id: one for one in site.services.history.differences(before, site.clock()).data}

    kinds = {name: one.difference for name, one in found.items()}
    assert {"comes": Difference.ADDED, "goes": Difference.REMOVED, "changes": Difference.CHANGED} == kinds
    assert {"packageVersion", "packageDigest", "generation", "state"} <= set(found["changes"].fields)


def test_a_time_that_nobody_knows_of_is_refused(begun: Site):
    """Before the history, and after now: with from when on it goes."""
    for moment in (START - timedelta(seconds=1), begun.clock() + timedelta(days=1)):
        with pytest.raises(errors.InvalidRequestError, match=r"asOf: .*(begins at|to come)"):
            begun.services.history.deployments_at(moment)


def test_retention_lets_the_history_go_unless_something_is_held(begun: Site):
    """The newest line before the horizon stays: what is now has been so since then."""
    begun.ready("d1")
    begun.clock.pass_seconds(200 * 86_400)

    begun.services.retention.prune(actor="ann")

    since = begun.services.history.deployments_at(begun.clock()).since
    assert begun.clock() - timedelta(days=90) == since
    assert snapshot(begun) == as_of(begun, since) == as_of(begun, begun.clock())


def test_what_is_not_told_writes_no_line(begun: Site):
    """A look that sees the same, a new description."""
    begun.ready("d1")
    with begun.store.read() as tx:
        before = [tx.history.at(begun.clock())]
    begun.look(d1=begun.sight("running"))
    with begun.store.read() as tx:
        assert before == [tx.history.at(begun.clock())]
