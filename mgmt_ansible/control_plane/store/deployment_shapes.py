"""Deployments as clients read them, from a row and what is beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.environments import managed_by
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_details import DeployedModel, Owner, Owners, PredictionUsage
from mgmt_ansible.wire.monitoring import UsageCount
from mgmt_ansible.wire.tags import Tag

USAGE_DAYS = 7


def first_day(now: datetime) -> str:
    """Return the first of the days (UTC) whose predictions are told."""
    return _days(now)[0]


def shown_deployment(
    row: sa.Row[Any], *, tags: Sequence[Tag], usage: Sequence[UsageCount], now: datetime
) -> api_v2.Deployment:
    """Return a deployment.

    Args:
        row: Of deployments joined with environment, package and current action.
        tags: Its tags.
        usage: What monitors counted in the last days.
        now: Aware.
    """
    state = DeploymentState(row.state)
    endpoints = [api_v2.Endpoint.model_validate(endpoint) for endpoint in row.endpoints]
    return api_v2.Deployment(
        id=row.id,
        label=row.label,
        description=row.description,
        status=api_v2.VENDOR_STATUS[state],
        state=state,
        importance=row.importance,
        generation=row.generation,
        port=row.port,
        created_at=row.created_at,
        updated_at=row.updated_at,
        model=_model(row),
        model_package=_package(row),
        prediction_environment=_environment(row),
        service_health=api_v2.HealthStatus(status=row.health, message=row.health_message, start_date=row.health_since),
        agent_health=api_v2.HealthStatus(
            status=row.agent_health, message=row.agent_health_message, start_date=row.agent_health_since
        ),
        model_health=_aspect(row, "model"),
        accuracy_health=_aspect(row, "accuracy"),
        fairness_health=_aspect(row, "fairness"),
        current_action=None if row.action_id is None else _action_brief(row),
        endpoints=endpoints,
        prediction_url=endpoints[0].url if endpoints else None,
        tags=list(tags),
        user_provided_id=row.user_provided_id,
        owners=Owners(count=1, preview=[Owner(id=row.owner_id, username=row.owner)]) if row.owner else Owners(count=0),
        prediction_usage=_usage(usage, now),
    )


def _model(row: sa.Row[Any]) -> DeployedModel:
    target = row.package_target or {}
    return DeployedModel(
        id=row.package_model_id or row.package_digest,
        type=row.package_runtime,
        target_name=target.get("name"),
        target_type=target.get("type"),
        deployed_at=row.deployed_at,
    )


def _package(row: sa.Row[Any]) -> api_v2.PackageBrief:
    return api_v2.PackageBrief(
        id=row.package_id,
        name=row.package_name,
        version=row.package_version,
        digest=row.package_digest,
        registered_model_id=row.registered_model_id,
    )


def _environment(row: sa.Row[Any]) -> api_v2.EnvironmentBrief:
    return api_v2.EnvironmentBrief(
        id=row.environment_id,
        name=row.environment_name,
        platform=row.environment_platform,
        is_managed_by_management_agent=row.environment_managed,
        managed_by=managed_by(managed=row.environment_managed),
        plugin=row.environment_plugin,
        supported_model_formats=row.environment_formats,
    )


def _aspect(row: sa.Row[Any], aspect: str) -> api_v2.HealthStatus:
    told = (row.aspect_details or {}).get(aspect) or {}
    status = getattr(row, f"{aspect}_health")
    return api_v2.HealthStatus(status=status, message=told.get("message", ""), start_date=told.get("since"))


def _action_brief(row: sa.Row[Any]) -> api_v2.ActionBrief:
    return api_v2.ActionBrief(id=row.action_id, type=row.action_type, status=row.action_status)


def _days(now: datetime) -> list[str]:
    return [(now - timedelta(days=back)).date().isoformat() for back in reversed(range(USAGE_DAYS))]


def _usage(counts: Sequence[UsageCount], now: datetime) -> PredictionUsage:
    requests = {count.day: count for count in counts if count.kind == "predictionRequests"}
    days = [requests.get(day) for day in _days(now)]
    return PredictionUsage(
        daily_rates=[count.predictions if count else 0 for count in days],
        server_error_rates=[_share(count.server_errors, count.rows) if count else 0.0 for count in days],
        user_error_rates=[_share(count.user_errors, count.rows) if count else 0.0 for count in days],
        last_timestamp=max((count.last_received_at for count in counts), default=None),
    )


def _share(errors: int, rows: int) -> float:
    return errors / rows if rows else 0.0
