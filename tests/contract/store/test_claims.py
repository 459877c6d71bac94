"""Claims: who gets which action, and for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.agents import MAX_ATTEMPTS
from mgmt_ansible.domain.actions import ActionStatus, ActionType, Claim
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest
from tests.contract.store.sites import Site


def test_a_launch_is_claimed_as_generation_1_attempt_1(site: Site):
    """What was asked for arrives whole."""
    action_id = site.create()

    claim = site.take()

    assert claim.spec.deployment is not None
    assert (action_id, 1, 1) == (claim.spec.id, claim.attempt, claim.spec.deployment.generation)
    assert site.package.digest == claim.spec.deployment.package.digest


def test_nothing_is_claimed_when_nothing_waits(site: Site):
    """An idle control plane answers None."""
    assert site.claim() is None


def test_an_agent_may_not_claim_in_an_environment_that_its_token_does_not_name(site: Site):
    """Tokens bind agents to environments."""
    other = site.add_environment("other")
    request = ClaimRequest(instance_id="one", environment_ids=(other.id,))

    with pytest.raises(errors.ForbiddenError, match=other.id):
        site.services.agents.claim(site.agent, request)


def test_a_claimed_action_is_not_offered_again(site: Site):
    """One holder at a time."""
    site.create()
    site.take()

    assert site.claim() is None


def test_an_expired_claim_is_offered_again_as_attempt_2(site: Site):
    """A silent agent loses its claim after 30 s."""
    site.create()
    first = site.take()

    site.clock.pass_seconds(31)
    second = site.take()

    assert (first.spec.id, 2) == (second.spec.id, second.attempt)


def test_a_clock_that_was_set_back_does_not_keep_a_dead_agents_claim(site: Site):
    """An hour would pass before it expired by the clock."""
    site.create()
    first = site.take()

    site.clock.pass_seconds(-3600)
    second = site.take()

    assert (first.spec.id, 2) == (second.spec.id, second.attempt)


def test_a_clock_that_was_set_forward_is_made_up_for_by_the_next_heartbeat(site: Site):
    """Unless another agent was quicker, whose claim then is the newer attempt."""
    action_id = site.create()
    first = site.take()

    site.clock.pass_seconds(3600)
    site.services.agents.heartbeat(site.agent, first.spec.id, first.attempt)

    assert changing(site.claim()) is None
    assert 1 == site.action(action_id).attempt


def test_an_action_that_no_agent_survives_is_given_up(site: Site):
    """It ends unknown, and its deployment is told so; it is not offered for ever."""
    action_id = site.create()
    for _ in range(MAX_ATTEMPTS):
        site.take()
        site.clock.pass_seconds(31)

    assert (None, ActionStatus.UNKNOWN) == (changing(site.claim()), site.action(action_id).status)
    assert (DeploymentState.UNKNOWN, Health.UNKNOWN) == (
        site.deployment().state,
        site.deployment().service_health.status,
    )
    assert "deployment_launch_failed" == site.event_types()[-1]


def changing(claim: Claim | None) -> Claim | None:
    """Return a claim of a change; a periodic look that has come due meanwhile does not count."""
    return None if claim is None or claim.spec.type is ActionType.ENVIRONMENT_STATUS else claim


def test_a_heartbeat_keeps_the_claim(site: Site):
    """Every heartbeat gives another 30 s."""
    site.create()
    claim = site.take()

    site.clock.pass_seconds(20)
    site.services.agents.heartbeat(site.agent, claim.spec.id, claim.attempt)
    site.clock.pass_seconds(20)

    assert site.claim() is None


def test_a_late_heartbeat_revives_a_claim_that_nobody_took(site: Site):
    """The work goes on where it is."""
    site.create()
    claim = site.take()
    site.clock.pass_seconds(40)

    site.services.agents.heartbeat(site.agent, claim.spec.id, claim.attempt)

    assert site.claim() is None


def test_the_heartbeat_of_a_lost_claim_is_refused(site: Site):
    """The holder of attempt 1 learns that attempt 2 exists."""
    site.create()
    first = site.take()
    site.clock.pass_seconds(31)
    site.take()

    with pytest.raises(errors.ClaimLostError, match="drop attempt 1"):
        site.services.agents.heartbeat(site.agent, first.spec.id, first.attempt)


def test_a_newer_action_waits_while_the_older_runs(site: Site):
    """Two agents never work on one deployment."""
    site.create()
    launch = site.take()
    site.act(ActionType.DEPLOYMENT_STOP)

    assert site.claim() is None
    site.report(launch)

    assert site.take().spec.type is ActionType.DEPLOYMENT_STOP


def test_a_newer_action_takes_over_when_the_older_claim_expires(site: Site):
    """The older one is superseded, and its agent told so."""
    launch_id = site.create()
    launch = site.take()
    stop_id = site.act(ActionType.DEPLOYMENT_STOP)
    site.clock.pass_seconds(31)

    assert stop_id == site.take().spec.id
    assert site.action(launch_id).status is ActionStatus.SUPERSEDED
    with pytest.raises(errors.ClaimLostError):
        site.services.agents.heartbeat(site.agent, launch.spec.id, launch.attempt)


def test_another_deployments_action_does_not_wait(site: Site):
    """Deployments do not hold each other up."""
    site.create("d1")
    site.create("d2")
    site.take()

    second = site.take()

    assert second.spec.deployment is not None
    assert second.spec.deployment.id == "d2"


def test_changes_are_claimed_before_looks(site: Site):
    """A status never delays a launch."""
    site.ready("d1")
    site.act(ActionType.DEPLOYMENT_STATUS, "d1")
    launch_id = site.create("d2")

    assert launch_id == site.take().spec.id


def test_concurrent_claims_never_hand_out_an_action_twice(site: Site):
    """Eight threads, twelve actions, each exactly once."""
    expected = sorted(site.create(f"d{number}") for number in range(12))

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for claim in pool.map(lambda _: site.claim(), range(24)) if claim is not None]

    assert expected == sorted(claim.spec.id for claim in claims)
    assert {1} == {claim.attempt for claim in claims}


def test_a_running_action_is_told_to_cancel_by_its_heartbeat(site: Site):
    """Canceling what runs asks its agent."""
    action_id = site.create()
    claim = site.take()

    site.services.actions.cancel(action_id, actor="ann")

    assert site.services.agents.heartbeat(site.agent, action_id, claim.attempt).cancel_requested


def hello(site: Site, instance: str, agent_id: str = "a" * 24, principal: Principal | None = None) -> None:
    principal = principal or site.agent
    told = AgentHello(instance_id=instance, agent_id=agent_id, version="0.1", environment_ids=principal.environment_ids)
    site.services.agents.hello(principal, told)


def claim_as(site: Site, instance: str, agent_id: str = "a" * 24, principal: Principal | None = None) -> Claim | None:
    principal = principal or site.agent
    request = ClaimRequest(instance_id=instance, agent_id=agent_id, environment_ids=principal.environment_ids)
    return site.services.agents.claim(principal, request)


def test_a_restarted_agent_gets_its_own_claims_at_once(site: Site):
    """Its lock proves that the former process is dead."""
    action_id = site.create()
    claim_as(site, "one")

    hello(site, "two")
    second = claim_as(site, "two")

    assert second is not None
    assert (action_id, 2) == (second.spec.id, second.attempt)


@pytest.mark.parametrize(
    ("instance", "agent_id"), [("one", "a" * 24), ("two", "b" * 24), ("two", "")], ids=["same", "other", "untold"]
)
def test_only_a_new_process_of_the_same_agent_proves_the_old_one_dead(site: Site, instance: str, agent_id: str):
    """Saying hello again, another agent with the same token, or one that tells no id, prove nothing."""
    site.create()
    claim_as(site, "one")

    hello(site, instance, agent_id)

    assert claim_as(site, instance, agent_id) is None


def test_another_tokens_agent_releases_nothing(site: Site):
    """An id can be copied, a token cannot."""
    other = site.add_agent("other", site.environment.id)
    site.create()
    claim_as(site, "one")

    hello(site, "two", principal=other)

    assert claim_as(site, "two", principal=other) is None


def test_a_released_claim_is_offered_again_at_once(site: Site):
    """The agent that leaves says so; nobody waits for the claim to expire, and its own waiting questions get nothing."""
    action_id = site.create()
    first = claim_as(site, "one")
    assert first is not None

    site.services.agents.release(site.agent, action_id, first.attempt)

    assert claim_as(site, "one") is None
    second = claim_as(site, "two")
    assert second is not None
    assert 2 == second.attempt


def test_a_released_claim_is_not_revived_by_a_heartbeat(site: Site):
    """One may have been on its way."""
    action_id = site.create()
    first = site.take()
    site.services.agents.release(site.agent, action_id, first.attempt)

    with pytest.raises(errors.ClaimLostError, match="released"):
        site.services.agents.heartbeat(site.agent, action_id, first.attempt)
    with pytest.raises(errors.ClaimLostError):
        site.services.agents.release(site.agent, action_id, first.attempt)


def test_the_claim_of_another_attempt_cannot_be_released(site: Site):
    """Nor that of an action which has ended."""
    action_id = site.create()
    first = site.take()
    site.clock.pass_seconds(31)
    second = site.take()

    with pytest.raises(errors.ClaimLostError, match="attempt 2"):
        site.services.agents.release(site.agent, action_id, first.attempt)
    site.report(second)
    with pytest.raises(errors.ClaimLostError, match="succeeded"):
        site.services.agents.release(site.agent, action_id, second.attempt)


@pytest.mark.parametrize("lost", ["expired", "released"])
def test_a_result_is_taken_until_somebody_else_claims(site: Site, lost: str):
    """It is a fact, however late."""
    action_id = site.create()
    claim = site.take()
    if lost == "expired":
        site.clock.pass_seconds(300)
    else:
        site.services.agents.release(site.agent, action_id, claim.attempt)

    site.report(claim)

    assert site.action(action_id).status is ActionStatus.SUCCEEDED


def test_a_cancel_while_nobody_holds_the_action_reaches_the_next_claim(site: Site):
    """Before it does anything."""
    action_id = site.create()
    site.take()
    site.clock.pass_seconds(31)

    site.services.actions.cancel(action_id, actor="ann")

    assert ActionStatus.RUNNING is site.action(action_id).status
    assert site.take().cancel_requested


def test_a_newer_change_goes_before_one_that_was_released(site: Site):
    """The released one is superseded."""
    launch_id = site.create()
    launch = site.take()
    stop_id = site.act(ActionType.DEPLOYMENT_STOP)

    site.services.agents.release(site.agent, launch_id, launch.attempt)

    assert stop_id == site.take().spec.id
    assert site.action(launch_id).status is ActionStatus.SUPERSEDED
