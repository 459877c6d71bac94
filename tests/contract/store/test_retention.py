"""Retention over both databases: policies, holds, what a prune leaves, and how it behaves beside others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployment_events import FEED_PRUNED
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import retention as shapes
from tests.contract.store.old_entries import fill
from tests.contract.store.sites import Site

DAY = 86_400


def counts(found: list[shapes.RetentionCount]) -> dict[str, tuple[int, int]]:
    return {one.name: (one.entries, one.runs) for one in found if one.entries or one.runs}


def policy(name: str = "p", keep_days: int = 10, **fields: object) -> shapes.RetentionPolicyIn:
    return shapes.RetentionPolicyIn(name=name, keep_days=keep_days, **fields)


@pytest.fixture
def aged(site: Site) -> Site:
    """A deployment that was launched, replaced twice, looked at, and then a hundred days passed."""
    site.ready()
    for _ in range(2):
        site.replace()
        claim = site.take()
        site.services.agents.report(site.agent, [site.run_report(claim, f"run-{claim.spec.id}"), site.result(claim)])
    site.look(d1=site.sight("running"))
    site.clock.pass_seconds(100 * DAY)
    return site


def test_what_is_old_and_not_needed_goes(aged: Site):
    """The launch that nobody goes back to; replacements stay with their runs, and so does what tells the health."""
    done = aged.services.retention.prune(actor="ann")

    types = [one for one in aged.event_types() if "creation" in one or "started" in one]
    assert ["model_replacement_started", "model_replacement_started"] == types
    assert {"default": (done.entries, 0)} == counts(done.policies)
    assert {"rollback_target", "current_health"} <= counts(done.protections).keys()
    assert 2 == len(aged.services.runs.list_runs().data)
    assert done.complete


def test_the_feed_of_the_environment_tells_how_much_went(aged: Site):
    """And who asked; nothing is told when nothing went."""
    done = aged.services.retention.prune(actor="ann")
    aged.services.retention.prune(actor="ann")

    (told,) = aged.services.deployment_events.list_events(EventFilters(types=(FEED_PRUNED,))).data

    assert ({"entries": done.entries, "runs": 0}, "ann") == (told.data, told.actor)
    assert aged.environment.id == told.prediction_environment_id


def test_a_preview_changes_nothing(aged: Site):
    """It says what would go, between when and when, and why the rest stays."""
    before = aged.services.deployment_events.list_events(limit=500)

    seen = aged.services.retention.preview()

    assert before == aged.services.deployment_events.list_events(limit=500)
    assert (False, True, aged.clock() - timedelta(days=90) > seen.newest_at >= seen.oldest_at) == (
        seen.pruned, seen.complete, True,
    )  # fmt: skip
    assert seen.entries == aged.services.retention.prune(actor="ann").entries > 0


@pytest.mark.parametrize("status", [None, ActionStatus.UNKNOWN])
def test_what_is_open_stays(aged: Site, status: ActionStatus | None):
    """An action that waits or runs, and one of which nobody knows how it ended; with its run."""
    aged.act(ActionType.DEPLOYMENT_RELAUNCH)
    claim = aged.take()
    aged.services.agents.report(aged.agent, [aged.run_report(claim, "open-run")])
    if status:
        aged.report(claim, status)
    aged.clock.pass_seconds(100 * DAY)

    aged.services.retention.prune(actor="ann")

    assert "deployment_launch_started" in aged.event_types()
    assert "open-run" == aged.services.runs.get_run("open-run").id


def test_an_open_incident_stays(aged: Site):
    """What came since the deployment does not pass."""
    aged.look(d1=aged.sight("stopped", Outcome.FAILED))
    aged.act(ActionType.DEPLOYMENT_STOP)
    aged.services.actions.cancel(aged.deployment().current_action.id, actor="ann")
    aged.clock.pass_seconds(100 * DAY)
    told = aged.event_types()[-3:]

    aged.services.retention.prune(actor="ann")

    assert ["management_agent_service_health_red", "deployment_shutdown_started", "action_canceled"] == told
    assert told == [one for one in aged.event_types() if one in told][-3:]
    assert "open_incident" in counts(aged.services.retention.preview().protections)


def test_what_is_held_stays_until_it_is_released(aged: Site):
    """The feed tells of both."""
    retention = aged.services.retention
    hold = retention.place_hold(shapes.LegalHoldIn(deployment_id="d1", reason="case\x1b 7"), actor="ann")
    before = aged.event_types()

    retention.prune(actor="ann")
    assert before == aged.event_types()
    retention.release_hold(hold.id, actor="bob")
    retention.prune(actor="ann")

    assert ("case 7", "ann", aged.environment.id) == (hold.reason, hold.placed_by, hold.prediction_environment_id)
    assert len(aged.event_types()) < len(before)
    assert ["legal_hold_placed", "legal_hold_released"] == [one for one in aged.event_types() if "hold" in one]
    assert [] == retention.list_holds().data


def test_a_deleted_deployment_can_be_held(aged: Site):
    """Its entries outlive it."""
    aged.services.deployments.delete("d1", aged.asker, ignore_management_agent=True)

    hold = aged.services.retention.place_hold(shapes.LegalHoldIn(deployment_id="d1", reason="case 7"), actor="ann")

    assert aged.environment.id == hold.prediction_environment_id


@pytest.mark.parametrize(
    ("hold", "error"),
    [
        ({}, errors.InvalidRequestError),
        ({"deployment_id": "d1", "prediction_environment_id": "e"}, errors.InvalidRequestError),
        ({"deployment_id": "unknown"}, errors.NotFoundError),
        ({"prediction_environment_id": "unknown"}, errors.NotFoundError),
    ],
)
def test_a_hold_names_one_thing_that_is_known(site: Site, hold: dict, error: type[Exception]):
    """Nothing is noted else."""
    with pytest.raises(error):
        site.services.retention.place_hold(shapes.LegalHoldIn(reason="r", **hold), actor="ann")

    assert [] == site.services.retention.list_holds().data


def test_a_policy_keeps_what_it_covers(aged: Site):
    """Also of a deployment that is deleted, by the label that it had."""
    aged.services.retention.create_policy(policy(keep_days=400, labels=["Label of d1"]), actor="ann")
    aged.services.deployments.delete("d1", aged.asker, ignore_management_agent=True)
    before = aged.event_types()

    aged.services.retention.prune(actor="ann")

    assert before == aged.event_types()


def test_a_policy_may_keep_for_less_than_the_default(site: Site):
    """Ten days for what passes."""
    site.ready()
    body = policy(healths=[Health.INFO], prediction_environment_id=site.environment.id)
    site.services.retention.create_policy(body, actor="ann")
    site.clock.pass_seconds(20 * DAY)

    assert {"p"} == counts(site.services.retention.preview().policies).keys()


def test_a_name_is_taken_once(site: Site):
    """By one policy."""
    site.services.retention.create_policy(policy(types=["t"]), actor="ann")

    with pytest.raises(errors.ConflictError):
        site.services.retention.create_policy(policy(types=["t"]), actor="ann")


def test_a_policy_for_everything_is_refused(site: Site):
    """That is the default one, which is changed and never deleted."""
    retention = site.services.retention
    with pytest.raises(errors.InvalidRequestError, match="cover everything"):
        retention.create_policy(policy(), actor="ann")
    with pytest.raises(errors.InvalidRequestError, match="days only"):
        retention.change_policy("default", shapes.RetentionPolicyPatch(types=["t"]), actor="ann")
    with pytest.raises(errors.InvalidRequestError, match="cannot be deleted"):
        retention.delete_policy("default", actor="ann")

    changed = retention.change_policy("default", shapes.RetentionPolicyPatch(keep_days=30), actor="ann")

    assert [("default", 30, "ann")] == [
        (one.name, one.keep_days, one.changed_by) for one in retention.list_policies().data
    ]
    assert 30 == changed.keep_days


def test_a_policy_is_changed_in_part_and_deleted(site: Site):
    """What is not given stays."""
    retention = site.services.retention
    made = retention.create_policy(policy(types=["t"], healths=[Health.FAILING]), actor="ann")

    changed = retention.change_policy(made.id, shapes.RetentionPolicyPatch(types=[]), actor="bob")
    assert ([], [Health.FAILING], 10, "bob") == (changed.types, changed.healths, changed.keep_days, changed.changed_by)

    retention.delete_policy(made.id, actor="ann")

    assert ["default"] == [one.name for one in retention.list_policies().data]


def test_a_prune_ends_when_people_decide_otherwise(site: Site):
    """What was decided before is no reason to remove any more; asked again it goes on by the new rules."""
    fill(site, 200)
    site.clock.pass_seconds(100 * DAY)
    asked: list[int] = []

    def decide_otherwise() -> bool:
        asked.append(1)
        if len(asked) == 2:
            body = shapes.RetentionPolicyPatch(keep_days=365)
            site.services.retention.change_policy("default", body, actor="bob")
        return False

    first = site.services.retention.prune(actor="ann", stop=decide_otherwise)
    second = site.services.retention.prune(actor="ann")

    assert (False, True) == (first.complete, 0 < first.entries < 199)
    assert (True, 0) == (second.complete, second.entries)


def test_a_prune_that_is_told_to_stop_ends_between_two_writes(site: Site):
    """It says that it is not complete, and what it removed; the next goes on."""
    fill(site, 300)
    site.clock.pass_seconds(100 * DAY)
    asked = iter([False, False, True])

    first = site.services.retention.prune(actor="ann", stop=lambda: next(asked, True))
    second = site.services.retention.prune(actor="ann")

    assert (False, True) == (first.complete, second.complete)
    assert 0 < first.entries < 299
    assert ["old-299"] == [one.id for one in _of(site, "old")]


def test_a_prune_has_its_time(site: Site):
    """One write at least, so that asking again always gets on."""
    fill(site, 300)
    site.clock.pass_seconds(100 * DAY)

    done = site.services.retention.prune(actor="ann", seconds=0)

    assert (False, True) == (done.complete, 0 < done.entries < 299)


def test_two_at_a_time_are_one_too_many(site: Site):
    """The second is told to come again."""
    found: list[type[Exception]] = []

    def ask_again() -> bool:
        with pytest.raises(errors.ConflictError) as refused:
            site.services.retention.prune(actor="bob")
        found.append(refused.type)
        return True

    fill(site, 3)
    site.services.retention.prune(actor="ann", stop=ask_again)

    assert {errors.ConflictError} == set(found)


class FullDisk(threading.Event):
    """Is asked before each write, and refuses the third."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def is_set(self) -> bool:
        self.asked += 1
        if self.asked > 2:
            raise errors.StoreUnavailableError("disk full")
        return False


def test_a_store_that_refuses_is_told_and_tried_again(site: Site):
    """In the background nothing is raised; what was removed before stays removed and is told of."""
    fill(site, 600)
    site.clock.pass_seconds(100 * DAY)

    with pytest.raises(errors.StoreUnavailableError):
        site.services.retention.prune(actor="ann", stop=FullDisk().is_set)
    assert not site.services.retention._pruned_wholly(FullDisk())

    assert FEED_PRUNED in {one.type for one in site.services.deployment_events.list_events().data}
    assert 1 < len(_of(site, "old")) < 500
    assert site.services.retention._pruned_wholly(threading.Event())


def test_it_is_done_again_and_again_in_the_background(site: Site):
    """And ends with its block."""
    fill(site, 50)
    site.clock.pass_seconds(100 * DAY)
    done = threading.Event()

    with site.services.retention.applied_daily(first_seconds=0.01, every_seconds=0.01):
        _wait_until(lambda: 1 == len(_of(site, "old")), done)

    assert "retention" not in {thread.name for thread in threading.enumerate()}


def _wait_until(fulfilled: Callable[[], bool], never: threading.Event) -> None:
    for _ in range(500):
        if fulfilled():
            return
        never.wait(0.02)
    pytest.fail("not in ten seconds")


def _of(site: Site, deployment_id: str) -> list[api_v2.DeploymentEvent]:
    return site.services.deployment_events.list_events(EventFilters(deployment_id=deployment_id), limit=500).data


def test_what_went_is_not_found_and_still_counted(site: Site):
    """The search knows it no more; a counter of metrics never goes down."""
    fill(site, 100)
    site.clock.pass_seconds(100 * DAY)
    before = site.services.deployment_events.counts()

    site.services.retention.prune(actor="ann")

    assert ["old-99"] == [
        one.id for one in site.services.deployment_events.list_events(EventFilters(search="old")).data
    ]
    assert 100 == before["model_deployments.deployment_launch_started"]
    assert 100 == site.services.deployment_events.counts()["model_deployments.deployment_launch_started"]
