"""The rules of retention: which policy decides, and what is never removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mgmt_ansible.domain.deployment_events import AUDIT, FEED_PRUNED
from mgmt_ansible.domain.event_filters import EventCategory
from mgmt_ansible.domain.flapping import REMEMBERED
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.judging import Judge
from mgmt_ansible.domain.retention import (
    DEFAULT,
    Judgement,
    KeptEntry,
    KeptRun,
    Protection,
    RetentionPolicy,
    RetentionRules,
    Standing,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GREEN = "model_deployments.management_agent_service_health_green"
RED = "model_deployments.management_agent_service_health_red"
STARTED = "model_deployments.deployment_launch_started"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def entry(days: float, **fields: object) -> KeptEntry:
    values: dict[str, object] = {
        "sequence": 1,
        "type": STARTED,
        "health": Health.INFO,
        "environment_id": "prod",
        "deployment_id": "d1",
        "stored_at": ago(days),
        **fields,
    }
    return KeptEntry(**values)  # type: ignore[arg-type]


def run(days: float, **fields: object) -> KeptRun:
    values: dict[str, object] = {
        "sequence": 1,
        "id": "r1",
        "environment_id": "prod",
        "deployment_id": "d1",
        "action_id": "a1",
        "stored_at": ago(days),
        **fields,
    }
    return KeptRun(**values)  # type: ignore[arg-type]


def judged(*entries: KeptEntry, **standing: object) -> list[Judgement]:
    """Judge entries behind a newer one of the same place, which saves none of them."""
    judge = Judge(Standing(now=NOW, **standing))  # type: ignore[arg-type]
    judge.judge_entry(entry(0))
    return [judge.judge_entry(one) for one in entries]


@pytest.mark.parametrize(("days", "expected"), [(89.9, False), (90, False), (90.1, True)])
def test_what_no_policy_covers_is_kept_for_90_days(days: float, expected: bool):
    """By the time at which it was stored."""
    (found,) = judged(entry(days))

    assert (expected, DEFAULT.name) == (found.removable, found.policy)


@pytest.mark.parametrize(
    ("policy", "covered"),
    [
        ({"environment_id": "prod"}, True),
        ({"environment_id": "stage"}, False),
        ({"labels": ("Wine", "Beer")}, True),
        ({"labels": ("Beer",)}, False),
        ({"types": (RED, GREEN)}, True),
        ({"types": (RED,)}, False),
        ({"categories": (EventCategory.AGENT, EventCategory.HEALTH)}, True),
        ({"categories": (EventCategory.AGENT,)}, False),
        ({"healths": (Health.PASSING,)}, True),
        ({"healths": (Health.FAILING,)}, False),
        ({"environment_id": "prod", "healths": (Health.FAILING,)}, False),
        ({"environment_id": "prod", "healths": (Health.PASSING,), "labels": ("Wine",)}, True),
    ],
)
def test_a_policy_covers_what_fulfils_all_that_it_asks(policy: dict, covered: bool):
    """Of several values one is enough."""
    rules = RetentionRules(policies=(RetentionPolicy(name="p", keep_days=10, **policy),))

    (found,) = judged(entry(20, type=GREEN, health=Health.PASSING), rules=rules, labels={"d1": "Wine"})

    assert ("p" if covered else "default", covered) == (found.policy, found.old)


def test_of_several_policies_the_longest_decides():
    """Also when it is not the narrowest; the default one only where there is none."""
    policies = tuple(
        RetentionPolicy(name=name, keep_days=days, environment_id="prod") for name, days in (("a", 10), ("b", 50))
    )

    (found,) = judged(entry(40), rules=RetentionRules(policies=policies))

    assert ("b", False) == (found.policy, found.old)


def test_the_newest_of_each_deployment_host_and_environment_stays():
    """Whatever came between."""
    judge = Judge(Standing(now=NOW))
    feed = [
        entry(100, hosts=("h1",)),
        entry(101, hosts=("h1", "h2")),
        entry(102, hosts=("h1", "h2")),
        entry(103, deployment_id="d2"),
        entry(104, deployment_id=None),
        entry(105, deployment_id=None, environment_id="stage"),
        entry(106, deployment_id=None),
    ]

    found = [judge.judge_entry(one).removable for one in feed]

    assert [False, False, True, False, False, False, True] == found


def test_what_is_kept_as_audit_does_not_stand_for_the_newest():
    """It tells nothing of the deployment."""
    judge = Judge(Standing(now=NOW))

    found = [judge.judge_entry(one).protection for one in (entry(99, type=FEED_PRUNED), entry(100))]

    assert [Protection.AUDIT, Protection.NEWEST] == found


@pytest.mark.parametrize("event_type", sorted(AUDIT))
def test_what_tells_of_retention_stays(event_type: str):
    """However old it is."""
    assert [Protection.AUDIT] == [one.protection for one in judged(entry(9999, type=event_type))]


def test_what_flapping_reads_stays():
    """As many of the newest as it reads, of deployments that are there."""
    feed = [entry(100 + number, type=GREEN, health=Health.PASSING) for number in range(REMEMBERED + 2)]

    here = judged(*feed, deployments=frozenset({"d1"}))

    assert [Protection.CURRENT_HEALTH] * REMEMBERED + [None, None] == [one.protection for one in here]
    assert {None} == {one.protection for one in judged(*feed)}


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (100, [True, True, True, False, False]),
        (98, [True, True, True, False, False]),
        (None, [True] * 5),
    ],
)
def test_an_open_incident_stays_from_its_beginning(since: float | None, expected: list[bool]):
    """Since the last entry that said `passing` before the health became what it is."""
    feed = [
        entry(97),
        entry(98, type=RED, health=Health.WARNING),
        entry(100, type=RED, health=Health.FAILING),
        entry(101, type=GREEN, health=Health.PASSING),
        entry(102),
    ]

    found = judged(*feed, incidents={"d1": None if since is None else ago(since)})

    assert expected == [one.protection is Protection.OPEN_INCIDENT for one in found]


def test_an_entry_of_a_newer_generation_does_not_end_an_incident():
    """One that says `passing` after the health became another is not its beginning."""
    found = judged(entry(95, type=GREEN, health=Health.PASSING), entry(96), incidents={"d1": ago(97)})

    assert [Protection.OPEN_INCIDENT] * 2 == [one.protection for one in found]


@pytest.mark.parametrize("protection", [Protection.OPEN_ACTION, Protection.ROLLBACK_TARGET])
def test_entries_and_runs_of_needed_actions_stay(protection: Protection):
    """Open ones, and what one may go back to."""
    standing = Standing(now=NOW, actions={"a1": protection})
    judge = Judge(standing)
    judge.judge_entry(entry(0))
    judge.judge_run(run(0, id="newer", action_id="a2"))

    assert [protection] * 2 == [
        judge.judge_entry(entry(100, action_id="a1")).protection,
        judge.judge_run(run(100)).protection,
    ]


@pytest.mark.parametrize("held", [{"held_environments": frozenset({"prod"})}, {"held_deployments": frozenset({"d1"})}])
def test_what_is_held_stays(held: dict):
    """Of an environment all, of a deployment its own."""
    found = judged(entry(100), entry(100, environment_id="stage", deployment_id="d2"), rules=RetentionRules(**held))

    assert [Protection.LEGAL_HOLD, Protection.NEWEST] == [one.protection for one in found]


def test_a_run_stays_as_long_as_an_entry_that_speaks_of_it():
    """And the newest of each place."""
    judge = Judge(Standing(now=NOW))
    for one in (entry(10, run_id="r2"), entry(100, run_id="r3")):
        judge.judge_entry(one)

    found = [judge.judge_run(run(100 + number, id=f"r{number}")) for number in (1, 2, 3)]

    assert [Protection.NEWEST, Protection.TOLD, None] == [one.protection for one in found]


def test_policies_that_ask_for_words_are_not_for_runs():
    """A run has neither type nor health."""
    by_health = RetentionPolicy(name="h", keep_days=10, environment_id="prod", healths=(Health.INFO,))
    by_place = RetentionPolicy(name="p", keep_days=200, environment_id="prod")

    judge = Judge(Standing(now=NOW, rules=RetentionRules(policies=(by_health, by_place))))

    assert "p" == judge.judge_run(run(100)).policy
