"""Judging: hosts' outcomes become status, outcome, cause, health and a sentence."""

from __future__ import annotations

import pytest

from mgmt_ansible.agent.judging import judge
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Identity, Observation, Outcome
from mgmt_ansible.domain.plans import plan_action
from tests.unit.agent.scripted import PACKAGE, make_outcome, make_spec

IDENTITY = Identity(digest="d" * 64, generation=1, slot="a", port=1, pid=1, start_time=1, url="http://x")


def judged(*outcomes: Outcome, action=ActionType.DEPLOYMENT_LAUNCH, canceled=False, **fields: object):
    hosts = tuple(HostOutcome(host=f"h{n}", outcome=outcome, **fields) for n, outcome in enumerate(outcomes))
    spec = make_spec(action)
    return judge(
        spec, plan_action(spec, tuple(host.host for host in hosts)), make_outcome(*hosts).hosts, canceled=canceled
    )


@pytest.mark.parametrize(
    ("outcomes", "status", "outcome"),
    [
        ([Outcome.OK, Outcome.CHANGED], ActionStatus.SUCCEEDED, Outcome.CHANGED),
        ([Outcome.OK, Outcome.FAILED], ActionStatus.FAILED, Outcome.FAILED),
        ([Outcome.CHANGED, Outcome.ROLLED_BACK], ActionStatus.FAILED, Outcome.ROLLED_BACK),
        ([Outcome.CHANGED, Outcome.UNREACHABLE], ActionStatus.FAILED, Outcome.UNREACHABLE),
        ([Outcome.FAILED, Outcome.DEGRADED], ActionStatus.FAILED, Outcome.DEGRADED),
        ([Outcome.OK, Outcome.UNKNOWN], ActionStatus.UNKNOWN, Outcome.UNKNOWN),
        ([Outcome.OK, Outcome.SUPERSEDED], ActionStatus.SUPERSEDED, Outcome.SUPERSEDED),
        ([Outcome.NOT_RUN], ActionStatus.FAILED, Outcome.NOT_RUN),
    ],
)
def test_the_worst_host_decides(outcomes, status, outcome):
    """One host that is not fine is enough."""
    verdict = judged(*outcomes)

    assert (status, outcome) == (verdict.status, verdict.outcome)


def test_a_cancel_of_finished_work_is_still_a_success():
    """What was done is done."""
    assert ActionStatus.SUCCEEDED == judged(Outcome.CHANGED, canceled=True).status


def test_a_canceled_host_makes_a_canceled_action():
    """The person who canceled reads `canceled`, not `unknown`."""
    assert ActionStatus.CANCELED == judged(Outcome.UNKNOWN, canceled=True, cause=Cause.CANCELED).status


def test_a_failed_replace_that_kept_the_old_model_is_a_warning():
    """It serves, though not what was wanted."""
    verdict = judged(Outcome.ROLLED_BACK, action=ActionType.DEPLOYMENT_REPLACE_MODEL, old_model_in_use=True)

    assert Health.WARNING == verdict.health


def test_a_superseded_action_judges_no_health():
    """The newer action does."""
    assert judged(Outcome.SUPERSEDED).health is None


def test_hosts_of_waves_that_never_began_are_not_run():
    """Every host of the plan is answered for."""
    spec = make_spec()
    outcome = make_outcome(HostOutcome(host="h1", outcome=Outcome.FAILED))

    verdict = judge(spec, plan_action(spec, ("h1", "h2")), outcome.hosts, canceled=False)

    assert [Outcome.FAILED, Outcome.NOT_RUN] == [host.outcome for host in verdict.hosts]


def test_the_message_names_the_worst_hosts():
    """At three in the morning: which hosts, and why."""
    verdict = judged(*[Outcome.FAILED] * 7, message="no room")

    assert "failed on h0, h1, h2, h3, h4 and 2 more: no room" == verdict.message


def status_of(observed: Observation, *, package=PACKAGE) -> object:
    spec = make_spec(
        ActionType.DEPLOYMENT_STATUS,
        deployment=DeploymentTarget(id="churn", label="Churn", generation=1, package=package),
    )
    host = HostOutcome(host="h1", outcome=Outcome.OK, observations={"churn": observed})
    return judge(spec, plan_action(spec, ("h1",)), make_outcome(host).hosts, canceled=False)


def test_a_status_that_saw_a_dead_model_succeeds_and_is_failing():
    """Looking worked; what was seen is bad."""
    verdict = status_of(Observation(deployment_id="churn", outcome=Outcome.FAILED, state="stopped"))

    assert (ActionStatus.SUCCEEDED, Health.FAILING) == (verdict.status, verdict.health)


def test_a_status_that_saw_the_wanted_model_is_passing():
    """What is wanted serves."""
    seen = Observation(deployment_id="churn", outcome=Outcome.OK, state="running", identity=IDENTITY)

    assert Health.PASSING == status_of(seen).health


def test_an_environments_status_judges_deployments_one_by_one_elsewhere():
    """Its result has no health of its own."""
    spec = make_spec(ActionType.ENVIRONMENT_STATUS, deployment=None)
    outcome = make_outcome(HostOutcome(host="h1", outcome=Outcome.OK))

    assert judge(spec, plan_action(spec, ("h1",)), outcome.hosts, canceled=False).health is None


def test_what_a_host_says_of_deployments_that_nobody_asked_about_is_left_out():
    """A hostile host speaks for no other deployment."""
    seen = {name: Observation(deployment_id=name, outcome=Outcome.OK, state="running") for name in ("churn", "other")}

    verdict = judged(Outcome.OK, action=ActionType.DEPLOYMENT_STATUS, observations=seen)

    assert ["churn"] == list(verdict.hosts[0].observations)


def test_hosts_that_an_earlier_attempt_had_done_are_named():
    """Whoever reads the result knows that they were not touched again."""
    spec = make_spec()
    hosts = {name: HostOutcome(host=name, outcome=Outcome.CHANGED) for name in ("h1", "h2")}

    verdict = judge(spec, plan_action(spec, ("h1", "h2")), hosts, canceled=False, found={"h2"})

    assert "2 of 2 hosts serve; found as an earlier attempt left it: h2" == verdict.message


def test_what_a_host_remembers_is_not_reported_with_its_look():
    """It is the host's own affair, and may be large."""
    seen = Observation(
        deployment_id="churn", outcome=Outcome.OK, state="running", recorded=HostOutcome(host="h1", outcome=Outcome.OK)
    )
    host = HostOutcome(host="h1", outcome=Outcome.OK, observations={"churn": seen})
    spec = make_spec(ActionType.DEPLOYMENT_STATUS)

    (judged_host,) = judge(spec, plan_action(spec, ("h1",)), {"h1": host}, canceled=False).hosts

    assert judged_host.observations["churn"].recorded is None
