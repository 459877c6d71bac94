from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from mgmt_ansible.domain import actions, deployment_events, plans
from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.runs import RunRequest

SPEC = ActionSpec(
    id="1" * 24,
    type=ActionType.DEPLOYMENT_LAUNCH,
    environment_id="2" * 24,
    environment_name="lab",
    requested_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class TestActions:
    """What the action types promise."""

    def test_only_a_replacement_waits_by_default(self) -> None:
        """Five seconds for a replacement, none for everything else: a rollback is in a hurry."""
        waits = {kind: actions.default_minimum_healthy_seconds(kind) for kind in ActionType}

        assert {ActionType.DEPLOYMENT_REPLACE_MODEL: 5.0} == {kind: value for kind, value in waits.items() if value}

    def test_final_statuses_are_all_but_the_two_open_ones(self) -> None:
        """An action that is pending or running can still move."""
        assert {"succeeded", "failed", "canceled", "superseded", "unknown"} == actions.FINAL


class TestPlans:
    """Who gets what in which order."""

    def test_puts_all_hosts_into_one_wave(self) -> None:
        """The first rollout policy."""
        assert (("b", "a"),) == tuple(wave.hosts for wave in plans.plan_action(SPEC, ("b", "a")).waves)

    def test_of_no_hosts_has_no_waves(self) -> None:
        """An empty match is seen before anything runs."""
        assert () == plans.plan_action(SPEC, ()).waves

    def test_hash_changes_with_the_order_of_hosts(self) -> None:
        """A plan is what was shown, order included."""
        assert plans.plan_action(SPEC, ("a", "b")).hash != plans.plan_action(SPEC, ("b", "a")).hash


class TestDeploymentEvents:
    """The words of the feed."""

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (ActionType.DEPLOYMENT_LAUNCH, "model_deployments.deployment_launch_started"),
            (ActionType.DEPLOYMENT_RELAUNCH, "model_deployments.deployment_launch_started"),
            (ActionType.DEPLOYMENT_REPLACE_MODEL, "model_deployments.model_replacement_started"),
            (ActionType.DEPLOYMENT_STOP, "model_deployments.deployment_shutdown_started"),
        ],
    )
    def test_follow_the_vendors_list(self, kind: ActionType, expected: str) -> None:
        """Every changing action has a family there."""
        assert expected == deployment_events.action_event_type(kind, "started")

    def test_cover_every_changing_action(self) -> None:
        """A new changing action without a family would raise."""
        for kind in actions.CHANGING:
            assert deployment_events.action_event_type(kind, "failed").endswith("_failed")

    def test_have_no_word_for_an_informational_health(self) -> None:
        """`info` is no judgement, so health never changes to it."""
        with pytest.raises(KeyError):
            deployment_events.health_event_type(Health.INFO)


class TestRunRequest:
    """The value that leaves for a worker."""

    def test_hash_does_not_depend_on_the_run_id(self) -> None:
        """The same action rendered again for an export gives the same hash."""
        request = RunRequest(
            run_id="a", action_id="b", environment_id="c", playbook="deployment_stop", hosts=("h",), variables={"x": 1}
        )

        assert request.hash == dataclasses.replace(request, run_id="z").hash
        assert request.hash != dataclasses.replace(request, variables={"x": 2}).hash
