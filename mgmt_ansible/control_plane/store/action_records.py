"""Actions as rules see them, and as the API shows them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from mgmt_ansible.control_plane.store.records import ActionRecord, Prior
from mgmt_ansible.domain.actions import CHANGING, ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.wire import api_v2

SPEC: TypeAdapter[ActionSpec] = TypeAdapter(ActionSpec)

UNFINISHED = (ActionStatus.PENDING.value, ActionStatus.RUNNING.value)
"""Statuses of what is asked for and has not ended."""

CHANGING_TYPES = tuple(sorted(action_type.value for action_type in CHANGING))
"""Types of actions that change hosts."""


def record_from_row(row: sa.Row[Any]) -> ActionRecord:
    """Return an action as rules see it."""
    return ActionRecord(
        id=row.id,
        type=ActionType(row.type),
        status=ActionStatus(row.status),
        environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        generation=row.generation,
        spec=SPEC.validate_python(row.spec),
        attempt=row.attempt,
        agent=row.agent,
        started_at=row.started_at,
        expires_at=row.expires_at,
        cancel_requested=row.cancel_requested,
        requested_by=row.requested_by,
        idempotency_request=row.idempotency_request,
        prior=None if row.prior is None else _prior(row.prior),
        progress=row.progress,
    )


def _prior(value: dict[str, Any]) -> Prior:
    return Prior(
        state=DeploymentState(value["state"]),
        package_id=value["package_id"],
        wanted_running=value["wanted_running"],
        generation=value["generation"],
    )


def action_to_wire(row: sa.Row[Any]) -> api_v2.Action:
    """Return an action as the API shows it."""
    return api_v2.Action(
        id=row.id,
        type=row.type,
        status=row.status,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        generation=row.generation,
        attempt=row.attempt,
        agent=row.agent,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cancel_requested=row.cancel_requested,
        outcome=row.outcome,
        cause=row.cause,
        message=row.message,
        progress=row.progress,
        would=row.spec.get("would"),
        limit=row.spec.get("limit") or [],
        hosts=row.hosts,
    )
