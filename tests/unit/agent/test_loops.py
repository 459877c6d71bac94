"""The agent's loop against a scripted control plane."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.reports import HeartbeatAnswer, HostsReport, RunReport
from mgmt_ansible.domain.runs import RunProgress, RunStatus
from tests.unit.agent.scripted import (
    ENVIRONMENT,
    NOW,
    ListSpool,
    ScriptedCache,
    ScriptedInventory,
    ScriptedPlugin,
    make_claim,
    make_outcome,
    make_spec,
)
from tests.unit.agent.worlds import World, until


def until_reason(cancel):
    """A run that goes on until it is asked to end."""
    until(lambda: cancel.reason() is not None)
    return make_outcome(
        HostOutcome(host="h1", outcome=Outcome.UNKNOWN, cause=Cause.CANCELED), status=RunStatus.CANCELED
    )


def test_a_claimed_action_is_performed_and_reported():
    """The thin path: claim, plan, fetch, perform, judge, report."""
    world = World([make_claim()])

    world.agent.run()

    assert (ActionStatus.SUCCEEDED, Outcome.CHANGED, Health.PASSING) == (
        world.result.status,
        world.result.outcome,
        world.result.health,
    )
    assert ["c" * 24] == [package.id for package in world.cache.fetched]


def test_the_run_is_reported_before_the_result_with_the_hash_of_its_request():
    """The control plane learns of a run while its action is still running."""
    world = World([make_claim()])

    world.agent.run()

    run, result = [report for report in world.spool.reports if report.kind in ("run", "result")]
    assert isinstance(run, RunReport)
    assert 64 == len(run.request_hash)
    assert "result" == result.kind


def test_an_empty_match_is_a_failure():
    """No hosts is never a success."""
    world = World([make_claim()], plugin=ScriptedPlugin(hosts=()))

    world.agent.run()

    assert (ActionStatus.FAILED, Cause.NO_HOSTS) == (world.result.status, world.result.cause)


def test_a_stop_needs_no_package():
    """Stopping works with an empty cache and an absent control plane."""
    world = World([make_claim(make_spec(ActionType.DEPLOYMENT_STOP))])

    world.agent.run()

    assert [] == world.cache.fetched
    assert ActionStatus.SUCCEEDED == world.result.status


def test_a_lost_claim_is_dropped_without_a_result():
    """The new holder reports, not we."""

    def lost():
        raise errors.ClaimLostError("attempt 2 holds it")

    plugin = ScriptedPlugin(perform=lambda progress, cancel: until_reason(cancel))
    world = World([make_claim(heartbeat_seconds=0.002)], plugin=plugin, beat=lost)

    world.agent.run()

    assert [] == [report.kind for report in world.spool.reports if report.kind != "hosts"]


def test_a_cancel_that_the_heartbeat_brings_ends_the_run():
    """Asked to cancel, the work ends as canceled."""
    plugin = ScriptedPlugin(perform=lambda progress, cancel: until_reason(cancel))
    answer = HeartbeatAnswer(expires_at=NOW, cancel_requested=True)
    world = World([make_claim(heartbeat_seconds=0.002)], plugin=plugin, beat=lambda: answer)

    world.agent.run()

    assert ActionStatus.CANCELED == world.result.status


def test_a_heartbeat_that_nobody_answers_does_not_end_the_work():
    """The claim may still be ours when the control plane is away."""
    world = World()

    def away():
        raise errors.ControlPlaneUnavailableError("away")

    def work(progress, cancel):
        until(lambda: world.control_plane.beats >= 2)
        assert cancel.reason() is None
        return make_outcome(HostOutcome(host="h1", outcome=Outcome.OK))

    world = World([make_claim(heartbeat_seconds=0.002)], plugin=ScriptedPlugin(perform=work), beat=away)

    world.agent.run()

    assert ActionStatus.SUCCEEDED == world.result.status


def test_an_unexpected_exception_is_an_unknown_outcome_and_not_the_agents_end():
    """A crash in one action leaves the next one its turn."""
    crashes = iter([True, False])

    def work(progress, cancel):
        if next(crashes):
            raise RuntimeError("a bug")
        return make_outcome(HostOutcome(host="h1", outcome=Outcome.OK))

    world = World([make_claim(), make_claim()], plugin=ScriptedPlugin(perform=work))

    world.agent.run()

    assert [(ActionStatus.UNKNOWN, Outcome.UNKNOWN), (ActionStatus.SUCCEEDED, Outcome.OK)] == [
        (result.status, result.outcome) for result in world.spool.results
    ]


def test_an_absent_control_plane_is_asked_again_later():
    """Claims back off, doubling, with jitter, and go on."""
    away = errors.ControlPlaneUnavailableError("away")
    world = World([away, away, make_claim()])

    world.agent.run()

    first, second = [slept for slept in world.clock.slept if slept < 600]
    assert 0.5 <= first <= 1.0 <= second <= 2.0
    assert ActionStatus.SUCCEEDED == world.result.status


def test_an_absent_control_plane_delays_the_hello():
    """The agent may be started first."""
    world = World(greetings=[errors.ControlPlaneUnavailableError("away")])

    world.agent.run()

    assert 1 == len(world.control_plane.hellos)


@pytest.mark.parametrize(
    "error", [errors.NotFoundError("no such"), errors.InvalidRequestError("no"), errors.ConflictError("no")]
)
def test_an_answer_that_may_change_delays_the_hello(error):
    """An environment that is made later, or an older control plane, does not end the agent."""
    world = World(greetings=[error])

    world.agent.run()

    assert 1 == len(world.control_plane.hellos)


def test_a_refused_token_ends_the_agent():
    """Nothing can be done without a token: the operator must see it."""
    world = World(greetings=[errors.AccessError("unknown token")])

    with pytest.raises(errors.AccessError):
        world.agent.run()


def test_a_broken_archive_fails_the_action_with_its_cause():
    """What is not what the digests say never reaches a host."""
    world = World([make_claim()], cache=ScriptedCache([errors.ArchiveError("other bytes came")]))

    world.agent.run()

    assert (ActionStatus.FAILED, Cause.ARTIFACT) == (world.result.status, world.result.cause)
    assert [Outcome.NOT_RUN] == [host.outcome for host in world.result.hosts]


def test_a_package_that_cannot_be_downloaded_now_is_asked_for_again():
    """An absent control plane is not a broken package."""
    world = World([make_claim()], cache=ScriptedCache([errors.ControlPlaneUnavailableError("away")] * 2))

    world.agent.run()

    assert ActionStatus.SUCCEEDED == world.result.status


def test_a_package_is_not_asked_for_again_when_the_agent_shall_stop():
    """Nothing waits any more then: asking on would be a loop without a pause."""
    asked: list[bool] = []

    def stop_at_first() -> None:
        asked.append(True)
        world.stop.set()

    away = [errors.ControlPlaneUnavailableError("away")] * 3
    world = World([make_claim()], cache=ScriptedCache(away, asked=stop_at_first))

    world.agent.run()

    assert [True] == asked


def test_a_run_whose_report_is_refused_is_judged_by_what_it_did():
    """Hosts that were changed are never called untouched."""
    world = World([make_claim()])
    world.spool.refused.add("run")

    world.agent.run()

    assert (ActionStatus.SUCCEEDED, Outcome.CHANGED) == (world.result.status, world.result.outcome)


def test_a_snapshot_that_crashes_does_not_end_snapshots():
    """Every later one has its turn."""
    world = World(inventory=ScriptedInventory(error=RuntimeError("a bug")))
    rounds: list[float] = []

    def stop_at_second(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            world.stop.set()

    world.pause.sleep = stop_at_second

    world.agent.snapshots.run(world.agent.shutdown)

    assert 2 == len(rounds)


def test_running_work_is_given_back_when_the_grace_is_over():
    """SIGTERM gives running work its grace, then leaves it to the next claim: nothing is called canceled."""
    world = World()

    def work(progress, cancel):
        world.stop.set()
        assert cancel.reason() is None
        world.clock.seconds += 31
        return until_reason(cancel)

    plugin = ScriptedPlugin(perform=work)
    world = World([make_claim()], plugin=plugin, grace=30.0)

    world.agent.run()

    assert [("a" * 24, 1)] == world.control_plane.released
    assert ([], []) == (world.spool.results, plugin.looked)


def test_hosts_are_reported_at_start():
    """The pages have hosts before the first action."""
    world = World(inventory=ScriptedInventory((InventoryHost(name="h1", groups=("web",)),)))
    world.stop.set()

    world.agent.snapshots._take(ENVIRONMENT)

    (report,) = world.spool.reports
    assert isinstance(report, HostsReport)
    assert (("h1", ("web",)),) == tuple((host.name, host.groups) for host in report.hosts)


def test_progress_of_the_same_step_is_told_once():
    """A thousand hosts in one task are one line."""

    def work(progress, cancel):
        for host in ("h1", "h2", "h3"):
            progress.progress(RunProgress(run_id="b" * 24, step="Install", host=host, at=NOW))
        return make_outcome(HostOutcome(host="h1", outcome=Outcome.OK))

    world = World([make_claim()], plugin=ScriptedPlugin(perform=work))

    world.agent.run()

    assert ["Install"] == [report.progress.step for report in world.spool.reports if report.kind == "progress"]


def test_a_package_that_could_not_be_fetched_in_time_is_not_called_broken():
    """The time is over, and the message has the control plane's last word."""
    away = [errors.ControlPlaneUnavailableError("away")] * 1_000
    world = World([make_claim()], cache=ScriptedCache(away))

    world.agent.run()

    assert (ActionStatus.FAILED, Cause.TIMEOUT) == (world.result.status, world.result.cause)
    assert "could not be fetched in the action's time: away" in world.result.message


def test_a_result_that_cannot_be_reported_is_reported_as_unknown():
    """The claim would be offered again for ever without a result."""

    class RefusesHosts(ListSpool):
        def put(self, report):
            if report.kind == "result" and report.hosts:
                raise ValueError("cannot be written as JSON")
            super().put(report)

    world = World([make_claim()], spool=RefusesHosts())

    world.agent.run()

    assert (ActionStatus.FAILED, Outcome.UNKNOWN) == (world.result.status, world.result.outcome)


def test_a_claim_that_comes_while_the_agent_leaves_is_given_back():
    """Another agent need not wait until it expires."""
    world = World([make_claim()])
    answer = world.control_plane.claim

    def stop_first(environment_ids, *, wait_seconds):
        world.stop.set()
        return answer(environment_ids, wait_seconds=wait_seconds)

    world.control_plane.claim = stop_first

    world.agent.run()
    until(lambda: world.control_plane.released)

    assert [] == world.spool.results
