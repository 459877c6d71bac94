"""Deployment events: the append-only feed of dated facts, and the words for them.

Names follow the vendor's public list (`model_deployments.*`); ours are under `mgmt_ansible.*`. Order is `sequence`, never a
clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.flapping import Telling
from mgmt_ansible.domain.health import Health

CREATED = "model_deployments.deployment_creation"
DELETED = "model_deployments.deployment_deletion"
ACTION_DRY_RUN = "mgmt_ansible.action_dry_run"
ACTION_CANCELED = "mgmt_ansible.action_canceled"
ACTION_SUPERSEDED = "mgmt_ansible.action_superseded"
AGENT_STARTED = "mgmt_ansible.agent_started"
ENVIRONMENT_MANAGED = "mgmt_ansible.agent_environment_managed"
ENVIRONMENT_SELF_MANAGED = "mgmt_ansible.agent_environment_self_managed"
AGENT_CLOCK_SKEWED = "mgmt_ansible.agent_clock_skewed"
HEALTH_FLAPPING = "mgmt_ansible.health_flapping"
HEALTH_SETTLED = "mgmt_ansible.health_settled"
ORPHANS_FOUND = "mgmt_ansible.agent_orphans_found"
RESULT_IGNORED = "mgmt_ansible.result_ignored"
WEBHOOK_RECEIVED = "mgmt_ansible.webhook_received"
FEED_PRUNED = "mgmt_ansible.feed_pruned"
LEGAL_HOLD_PLACED = "mgmt_ansible.legal_hold_placed"
LEGAL_HOLD_RELEASED = "mgmt_ansible.legal_hold_released"

AUDIT = frozenset({FEED_PRUNED, LEGAL_HOLD_PLACED, LEGAL_HOLD_RELEASED})
"""Types that tell what became of the feed itself; never removed."""

_FAMILIES = {
    ActionType.DEPLOYMENT_LAUNCH: "model_deployments.deployment_launch",
    ActionType.DEPLOYMENT_RELAUNCH: "model_deployments.deployment_launch",
    ActionType.DEPLOYMENT_REPLACE_MODEL: "model_deployments.model_replacement",
    ActionType.DEPLOYMENT_ROLLBACK: "model_deployments.model_replacement",
    ActionType.DEPLOYMENT_STOP: "model_deployments.deployment_shutdown",
}

_HEALTH_TYPES = {
    Health.PASSING: "model_deployments.management_agent_service_health_green",
    Health.WARNING: "model_deployments.management_agent_service_health_yellow",
    Health.FAILING: "model_deployments.management_agent_service_health_red",
    Health.UNKNOWN: "model_deployments.management_agent_service_health_unknown",
}

TELLINGS: Mapping[str, Telling] = {
    HEALTH_FLAPPING: Telling.FLAPPING,
    HEALTH_SETTLED: Telling.SETTLED,
    **dict.fromkeys(_HEALTH_TYPES.values(), Telling.CHANGE),
    **{f"{family}_{phase}": Telling.START for family in _FAMILIES.values() for phase in ("succeeded", "failed")},
}
"""Type -> what it says of a deployment's health; types that say nothing of it are left out."""


def action_event_type(action_type: ActionType, phase: str) -> str:
    """Return the feed's word for an action's phase.

    Args:
        action_type: One that changes hosts.
        phase: `started`, `succeeded` or `failed`.

    Raises:
        KeyError: Status actions have no events of their own.
    """
    return f"{_FAMILIES[action_type]}_{phase}"


def health_event_type(health: Health) -> str:
    """Return the feed's word for a deployment's new health; KeyError for `info`."""
    return _HEALTH_TYPES[health]
