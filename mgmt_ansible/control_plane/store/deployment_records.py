"""Deployments as rules see them: many in one question."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.control_plane.store.schema import DEPLOYMENTS, ENVIRONMENTS, PACKAGES
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.wire import api_v2

_OF_DEPLOYMENT = (
    "id",
    "label",
    "environment_id",
    "package_id",
    "wanted_running",
    "forget_when_stopped",
    "generation",
    "state",
    "port",
    "agent_health",
    "agent_health_message",
    "agent_health_since",
    "endpoints",
)
_OF_PACKAGE = ("name", "version", "digest", "archive_sha256", "archive_bytes", "runtime")

RECORDS: sa.Select[Any] = (
    sa.select(
        *(DEPLOYMENTS.c[name] for name in _OF_DEPLOYMENT),
        ENVIRONMENTS.c.name.label("environment_name"),
        ENVIRONMENTS.c.is_managed_by_management_agent.label("environment_managed"),
        *(PACKAGES.c[name].label(f"package_{name}") for name in _OF_PACKAGE),
    )
    .join(ENVIRONMENTS, ENVIRONMENTS.c.id == DEPLOYMENTS.c.environment_id)
    .join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id)
)
"""What rules need, without what people are shown."""

RECORDS_BY_ID: sa.Select[Any] = RECORDS.where(any_of(DEPLOYMENTS.c.id, "deployments"))


def to_record(row: sa.Row[Any]) -> DeploymentRecord:
    """Return a row of `RECORDS` as rules see it."""
    return DeploymentRecord(
        id=row.id,
        label=row.label,
        environment_id=row.environment_id,
        environment_name=row.environment_name,
        environment_managed=row.environment_managed,
        package=ModelPackage(
            id=row.package_id,
            name=row.package_name,
            version=row.package_version,
            digest=row.package_digest,
            archive_sha256=row.package_archive_sha256,
            archive_bytes=row.package_archive_bytes,
            runtime=row.package_runtime,
        ),
        wanted_running=row.wanted_running,
        forget_when_stopped=row.forget_when_stopped,
        generation=row.generation,
        state=DeploymentState(row.state),
        port=row.port,
        health=Health(row.agent_health),
        health_message=row.agent_health_message,
        health_since=row.agent_health_since,
        endpoints=tuple(api_v2.Endpoint.model_validate(endpoint) for endpoint in row.endpoints),
    )
