"""What policies tell, hold and take back, by a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mgmt_ansible.domain import deployment_events, event_groups, notifications
from mgmt_ansible.domain.event_groups import Entry, EventGroup
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notifications import (
    NOTHING_TOLD,
    Mute,
    Policy,
    ScopeType,
    Verdict,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
RED = "model_deployments.management_agent_service_health_red"
YELLOW = "model_deployments.management_agent_service_health_yellow"
GREEN = "model_deployments.management_agent_service_health_green"
LAUNCHED = "model_deployments.deployment_launch_succeeded"
HEALTHS = {RED: Health.FAILING, YELLOW: Health.WARNING, GREEN: Health.PASSING, LAUNCHED: Health.PASSING}


def policy(group: EventGroup | None = EventGroup.CRITICAL_HEALTH, **fields: object) -> Policy:
    given = {"event_type": None, "scope": ScopeType.EVERYTHING, "scope_id": "all", "period": None, "after": 0}
    return Policy(id="p", channel_id="c", group=group, **{**given, **fields})


def entry(kind: str, minutes: float = 0, **fields: object) -> Entry:
    given = {"health": HEALTHS.get(kind, Health.INFO), "environment_id": "e", "deployment_id": "d", "sequence": 7}
    return Entry(type=kind, at=START + timedelta(minutes=minutes), **{**given, **fields})


class Told:
    """A policy that meets entries, and what it makes of them."""

    def __init__(self, policy: Policy, *mutes: Mute) -> None:
        self.policy, self.mutes, self.memory, self.sequence = policy, mutes, NOTHING_TOLD, 0

    def meet(self, kind: str, minutes: float = 0, **fields: object) -> Verdict:
        self.sequence += 1
        met = entry(kind, minutes, sequence=self.sequence, **fields)
        judgement = notifications.judge(self.policy, met, self.memory, self.mutes)
        self.memory, self.held = judgement.memory, judgement.held
        return judgement.verdict

    def release(self, minutes: float) -> Verdict:
        now = START + timedelta(minutes=minutes)
        judgement = notifications.release(self.policy, self.memory, self.mutes, deployment_id="d", now=now)
        self.memory, self.held = judgement.memory, judgement.held
        return judgement.verdict


HOURLY = policy(period=timedelta(hours=1))
FLAPPING, SETTLED = deployment_events.HEALTH_FLAPPING, deployment_events.HEALTH_SETTLED
GROUPS = {
    RED: "all health critical_health frequent_health_change critical_frequent_health_change management_agent "
    "management_agent_health",
    GREEN: "all health frequent_health_change management_agent management_agent_health",
    "model_deployments.service_health_red": "all health critical_health frequent_health_change "
    "critical_frequent_health_change",
    "model_deployments.data_drift_still_red": "all frequent_health_change critical_frequent_health_change",
    "model_deployments.service_health_yellow_from_green": "all health frequent_health_change",
    FLAPPING: "all health frequent_health_change management_agent management_agent_health",
    LAUNCHED: "all management_agent",
    "model_deployments.deployment_creation": "all",
    "model_deployments.endpoint_update_started": "all management_agent",
    deployment_events.ACTION_CANCELED: "all management_agent",
    deployment_events.AGENT_CLOCK_SKEWED: "management_agent",
    "management.deploymentInfo": "management_agent",
    "prediction_request.failed": "prediction_request.all",
    "monitoring.spooler_channel_red": "monitoring.all",
    deployment_events.FEED_PRUNED: "",
}


@pytest.mark.parametrize(("kind", "names"), GROUPS.items())
def test_a_type_is_of_these_groups(kind, names):
    """`problems` and `everything` apart; a red one is failing."""
    health = Health.FAILING if kind.endswith("_red") else HEALTHS.get(kind, Health.INFO)
    ours = {EventGroup.PROBLEMS, EventGroup.EVERYTHING}
    found = {group for group in set(EventGroup) - ours if event_groups.in_group(group, entry(kind, health=health))}

    assert {name if "." in name else f"model_deployments.{name}" for name in names.split()} == found
    assert event_groups.in_group(EventGroup.EVERYTHING, entry(kind))
    assert (health is Health.FAILING) is event_groups.in_group(EventGroup.PROBLEMS, entry(kind, health=health))


def test_flapping_with_failing_is_critical():
    """It is itself a warning only."""
    between = (Health.PASSING, Health.FAILING)

    assert Verdict.TELL is Told(policy()).meet(FLAPPING, health=Health.WARNING, between=between)
    assert Verdict.NOTHING is Told(policy()).meet(FLAPPING, health=Health.WARNING, between=between[:1])


def test_a_single_type_triggers_by_its_whole_name():
    """And nothing else does."""
    told = Told(policy(None, event_type=LAUNCHED))

    assert [Verdict.TELL, Verdict.NOTHING] == [told.meet(LAUNCHED), told.meet(LAUNCHED + "_")]


@pytest.mark.parametrize(
    ("scope", "scope_id", "expected"),
    [
        (ScopeType.EVERYTHING, "all", True),
        (ScopeType.ENVIRONMENT, "e", True),
        (ScopeType.ENVIRONMENT, "d", False),
        (ScopeType.DEPLOYMENT, "d", True),
        (ScopeType.DEPLOYMENT, "e", False),
    ],
)
def test_a_policy_is_for_its_scope(scope, scope_id, expected):
    """A deployment, an environment or everything."""
    assert expected is (Verdict.TELL is Told(policy(scope=scope, scope_id=scope_id)).meet(RED))


def test_what_was_there_before_the_policy_is_not_told():
    """A new policy begins with what comes."""
    told = Told(policy(after=1))

    assert [Verdict.NOTHING, Verdict.TELL] == [told.meet(RED), told.meet(RED)]


def test_the_return_to_passing_is_told_once():
    """Though the trigger is about failures only."""
    told = Told(policy())

    assert [Verdict.TELL, Verdict.RECOVERED, Verdict.NOTHING] == [told.meet(RED), told.meet(GREEN), told.meet(GREEN)]


def test_passing_without_told_trouble_is_not_told():
    """A warning was nothing to this policy, so its end is nothing either."""
    told = Told(policy())

    assert [Verdict.NOTHING, Verdict.NOTHING] == [told.meet(YELLOW), told.meet(GREEN)]


@pytest.mark.parametrize("kind", [LAUNCHED, SETTLED])
def test_a_launch_or_a_settled_health_takes_trouble_back_too(kind):
    """Whatever tells the same health."""
    told = Told(policy())
    told.meet(RED)

    assert Verdict.RECOVERED is told.meet(kind, health=Health.PASSING)


def test_a_monitor_takes_back_its_own_trouble_only():
    """The agent says nothing of drift."""
    told = Told(policy())
    told.meet("model_deployments.data_drift_red", health=Health.FAILING)

    assert Verdict.NOTHING is told.meet(GREEN)
    assert Verdict.RECOVERED is told.meet("model_deployments.data_drift_green", health=Health.PASSING)


def test_a_deleted_deployment_has_nothing_to_recover_from():
    """Another may come under its id."""
    told = Told(policy())
    told.meet(RED)
    told.meet(deployment_events.DELETED)

    assert Verdict.NOTHING is told.meet(GREEN)


def test_a_period_has_one_message_and_its_recovery():
    """The rest is held, and the recovery counts it."""
    told = Told(HOURLY)

    assert Verdict.TELL is told.meet(RED)
    assert [Verdict.HOLD, Verdict.HOLD] == [told.meet(RED, 10), told.meet(RED, 20)]
    assert (Verdict.RECOVERED, 2) == (told.meet(GREEN, 30), told.held)
    assert Verdict.HOLD is told.meet(RED, 40)


def test_a_recovery_begins_no_period():
    """The next hour counts from the failure that was told."""
    told = Told(HOURLY)
    told.meet(RED)
    told.meet(GREEN, 50)

    assert Verdict.TELL is told.meet(RED, 60)


def test_what_is_held_is_told_when_the_period_is_over():
    """The newest, with the number of the others."""
    told = Told(HOURLY)
    for minutes in (0, 10, 20):
        told.meet(RED, minutes)

    assert Verdict.NOTHING is told.release(59)
    assert (Verdict.TELL, 1) == (told.release(60), told.held)
    assert Verdict.NOTHING is told.release(200)
    assert Verdict.RECOVERED is told.meet(GREEN, 201)


def test_held_trouble_that_is_over_is_only_counted():
    """Nobody is called for what is fine again."""
    told = Told(HOURLY)
    told.meet(RED)
    told.meet(GREEN, 5)
    told.meet(RED, 10)
    told.meet(GREEN, 15)

    assert Verdict.NOTHING is told.release(60)
    assert (Verdict.TELL, 1) == (told.meet(RED, 70), told.held)


def test_each_deployment_has_a_period_of_its_own():
    """What has none has that of its environment."""
    assert ["d", "environment e"] == [entry(RED).subject, entry(RED, deployment_id=None).subject]


def test_a_mute_holds_until_its_time():
    """Then what it held is told, and also that it is over."""
    told = Told(policy(), Mute(policy_id="p", deployment_id=None, until=START + timedelta(minutes=30)))

    assert [Verdict.HOLD, Verdict.NOTHING, Verdict.TELL] == [told.meet(RED), told.release(29), told.release(30)]
    assert Verdict.RECOVERED is told.meet(GREEN, 31)


def test_a_recovery_within_a_mute_is_told_after_it():
    """The failure was told before."""
    told = Told(policy())
    told.meet(RED)
    told.mutes = (Mute(policy_id=None, deployment_id="d", until=START + timedelta(minutes=30)),)

    assert Verdict.HOLD is told.meet(GREEN, 10)
    assert (Verdict.RECOVERED, 0) == (told.release(30), told.held)


@pytest.mark.parametrize(
    ("policy_id", "deployment_id", "muted"),
    [
        (None, None, True),
        ("p", None, True),
        ("q", None, False),
        (None, "d", True),
        (None, "x", False),
        ("p", "d", True),
        ("p", "x", False),
    ],
)
def test_a_mute_covers_what_it_names(policy_id, deployment_id, muted):
    """A policy, a deployment, one for the other, or all."""
    mute = Mute(policy_id=policy_id, deployment_id=deployment_id, until=None)

    assert muted is (Verdict.HOLD is Told(policy(), mute).meet(RED))


def test_flapping_is_told_once_and_its_end_once():
    """As the feed has it: single changes are not in it."""
    told = Told(policy(EventGroup.MANAGEMENT_AGENT_HEALTH))

    assert Verdict.TELL is told.meet(FLAPPING, health=Health.WARNING)
    assert Verdict.RECOVERED is told.meet(SETTLED, health=Health.PASSING)
