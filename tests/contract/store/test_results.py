"""Results: what a deployment is after a change that failed, was canceled, or was about other hosts than it said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.golden import GoldenReport, OldModelDifference
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Observation, Outcome
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site


def state_health_package(site: Site) -> tuple[object, object, str]:
    deployment = site.deployment()
    return deployment.state, deployment.service_health.status, deployment.model_package.id


def test_golden_predictions_are_told_in_the_feed(site: Site):
    """Each host's own, with the difference to the old model."""
    site.create()
    old = OldModelDifference(compared=2, different=0, largest_difference=0.0)
    golden = GoldenReport(examples=2, passed=2, failed=0, old_model=old)

    site.report(site.take(), hosts=(HostOutcome(host="h1", outcome=Outcome.CHANGED, golden=golden),))

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    told = entry.data["hosts"]["h1"]["golden"]
    assert (2, {"compared": 2, "different": 0, "largest_difference": 0.0}) == (told["passed"], told["old_model"])


def test_drift_is_kept_with_the_host_told_in_the_feed_and_gone_after_a_better_look(site: Site):
    """Each look says it anew."""
    site.ready()
    found = replace(site.sight("running", Outcome.FAILED), drift=Drift.TAMPERED_FILE, cause=Cause.ARTIFACT)

    site.look(d1=found)
    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    drifted = site.services.deployments.list_hosts(deployment_id="d1").data[0].drift
    site.look(d1=site.sight("running"))

    assert ("tampered_file", Drift.TAMPERED_FILE) == (entry.data["hosts"]["h1"]["drift"], drifted)
    assert site.services.deployments.list_hosts(deployment_id="d1").data[0].drift is None


@pytest.mark.parametrize("generation", [-1, 0, 2**53, 2**70])
def test_a_fence_that_no_host_can_hold_is_ignored(site: Site, generation: int):
    """A host cannot use the numbers up."""
    site.create()
    host = HostOutcome(host="h1", outcome=Outcome.CHANGED, fence_generation=generation)

    site.report(site.take(), hosts=(host,))
    site.act(ActionType.DEPLOYMENT_RELAUNCH)

    assert 2 == site.deployment().generation


def test_the_fence_of_a_deployment_that_was_not_asked_about_is_ignored(site: Site):
    """A look at one says nothing of another."""
    site.ready("d1")
    site.ready("d2")
    site.act(ActionType.DEPLOYMENT_STATUS, "d1")
    stray = Observation(deployment_id="d2", outcome=Outcome.OK, state="running", fence_generation=40)

    site.report(site.take(), health=None, hosts=(site.seen(d1=site.sight("running"), d2=stray),))
    site.act(ActionType.DEPLOYMENT_RELAUNCH, "d2")

    assert 2 == site.deployment("d2").generation


def test_the_fence_of_a_deployment_that_was_looked_at_counts(site: Site):
    """A control plane restored from a backup catches up by looking."""
    site.ready()
    newer = Observation(deployment_id="d1", outcome=Outcome.OK, state="running", fence_generation=40)

    site.look(d1=newer)
    site.act(ActionType.DEPLOYMENT_RELAUNCH)

    assert 41 == site.deployment().generation


def test_a_generation_of_zero_is_not_remembered(site: Site):
    """It is no generation."""
    with site.store.write() as tx:
        tx.deployments.raise_generation("d1", 0)
        tx.deployments.raise_generation("d1", 0)

        assert 1 == tx.deployments.next_generation("d1")


def test_canceling_what_waits_behind_a_superseded_launch_leaves_it_unknown(site: Site):
    """Not launching for ever."""
    site.create()
    launch = site.take()
    stop_id = site.act(ActionType.DEPLOYMENT_STOP)
    site.report(launch, ActionStatus.SUPERSEDED, outcome=Outcome.SUPERSEDED)

    site.services.actions.cancel(stop_id, actor="ann")

    assert site.deployment().state is DeploymentState.UNKNOWN


@pytest.mark.parametrize("status", [ActionStatus.FAILED, ActionStatus.CANCELED])
@pytest.mark.parametrize("hosts", [(), (HostOutcome(host="h1", outcome=Outcome.NOT_RUN),)])
def test_a_replace_that_touched_no_host_leaves_the_old_package(
    site: Site, status: ActionStatus, hosts: tuple[HostOutcome, ...]
):
    """The package could not be fetched, say: what served serves on."""
    site.ready()
    site.replace()

    site.report(site.take(), status, outcome=Outcome.NOT_RUN, health=Health.UNKNOWN, hosts=hosts)

    assert (DeploymentState.READY, Health.WARNING, site.package.id) == state_health_package(site)
    assert ["h1"] == [endpoint.host for endpoint in site.deployment().endpoints]


def test_a_second_attempt_that_touched_no_host_says_nothing_of_the_first(site: Site):
    """The first may have replaced the model."""
    site.ready()
    site.replace()
    site.take()
    site.clock.pass_seconds(31)

    site.report(site.take(), ActionStatus.FAILED, hosts=())

    assert (DeploymentState.UNKNOWN, Health.UNKNOWN, site.newer.id) == state_health_package(site)


@pytest.mark.parametrize(
    ("fence", "expected"), [(1, DeploymentState.READY), (2, DeploymentState.UNKNOWN), (None, DeploymentState.UNKNOWN)]
)
def test_a_second_attempt_believes_the_fences_that_no_attempt_began(
    site: Site, fence: int | None, expected: DeploymentState
):
    """A host whose fence is older than the change was not touched by any attempt."""
    site.ready()
    site.replace()
    site.take()
    site.clock.pass_seconds(31)
    host = HostOutcome(host="h1", outcome=Outcome.NOT_RUN, fence_generation=fence)

    site.report(site.take(), ActionStatus.CANCELED, cause=Cause.CANCELED, hosts=(host,))

    assert expected is site.deployment().state


def test_a_second_attempt_that_finds_the_old_model_serving_leaves_it_ready(site: Site):
    """What the first attempt's recorded result proved on the host counts."""
    site.ready()
    site.replace()
    site.take()
    site.clock.pass_seconds(31)
    old = HostOutcome(
        host="h1",
        outcome=Outcome.FAILED,
        old_model_in_use=True,
        identity=site.identity(digest=site.package.digest),
        fence_generation=2,
    )

    site.report(site.take(), ActionStatus.FAILED, hosts=(old,))

    assert (DeploymentState.READY, Health.WARNING, site.package.id) == state_health_package(site)


def test_a_late_run_of_an_older_attempt_is_not_the_results_run(site: Site):
    """The feed links the run that the result came from."""
    site.create()
    first = site.take()
    site.clock.pass_seconds(31)
    second = site.take()

    site.services.agents.report(site.agent, [site.run_report(second, "new"), site.run_report(first, "old")])
    site.report(second)

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    assert "new" == entry.run_id


def test_a_relaunch_that_waits_behind_an_untouched_replace_returns_to_the_old_package(site: Site):
    """When it is canceled."""
    site.ready()
    site.replace()
    replacement = site.take()
    relaunch_id = site.act(ActionType.DEPLOYMENT_RELAUNCH)
    site.report(replacement, ActionStatus.FAILED, hosts=())

    site.services.actions.cancel(relaunch_id, actor="ann")

    deployment = site.deployment()
    assert (DeploymentState.READY, site.package.id) == (deployment.state, deployment.model_package.id)


def test_a_canceled_replace_with_the_old_model_serving_is_ready_with_a_warning(site: Site):
    """Its hosts say so after the cancel."""
    site.ready()
    site.replace()
    old = HostOutcome(
        host="h1",
        outcome=Outcome.FAILED,
        cause=Cause.CANCELED,
        old_model_in_use=True,
        identity=site.identity(digest=site.package.digest),
    )

    site.report(site.take(), ActionStatus.CANCELED, cause=Cause.CANCELED, health=Health.WARNING, hosts=(old,))

    assert (DeploymentState.READY, Health.WARNING, site.package.id) == state_health_package(site)


def test_the_evidence_of_many_hosts_is_capped(site: Site):
    """An entry of the feed stays small however many hosts failed."""
    site.create()
    hosts = tuple(
        HostOutcome(host=f"h{n}", outcome=Outcome.FAILED, evidence=(Evidence(kind="log_tail", text="x" * 8000),))
        for n in range(20)
    )

    site.report(site.take(), ActionStatus.FAILED, hosts=hosts)

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    assert 64_000 == sum(len(evidence["text"]) for evidence in entry.data["evidence"])


def test_the_change_under_way_is_the_current_action(site: Site):
    """A look that was asked for later is not."""
    launch_id = site.create()
    site.act(ActionType.DEPLOYMENT_STATUS)

    assert launch_id == current(site).id


def test_a_look_under_way_is_the_current_action(site: Site):
    """When no change is."""
    site.ready()
    site.act(ActionType.DEPLOYMENT_STATUS)
    first = site.take()
    waiting_id = site.act(ActionType.DEPLOYMENT_STATUS)
    site.services.actions.cancel(waiting_id, actor="ann")

    assert first.spec.id == current(site).id


def test_without_work_the_newest_action_is_the_current_one(site: Site):
    """So that one sees how it ended."""
    site.ready()
    status_id = site.act(ActionType.DEPLOYMENT_STATUS)
    site.run()

    assert status_id == current(site).id


def current(site: Site) -> api_v2.ActionBrief:
    action = site.deployment().current_action
    assert action is not None
    return action


def test_a_host_of_a_newer_release_says_so(site: Site):
    """The words of the release before would name its generation; a look at the same release says nothing new."""
    site.ready()
    site.replace()
    claim = site.take()
    host = HostOutcome(host="h1", outcome=Outcome.CHANGED, message="generation 2 serves", identity=site.identity(claim))

    site.report(claim, hosts=(host,))

    assert "generation 2 serves" == site.services.deployments.list_hosts(deployment_id="d1").data[0].message
