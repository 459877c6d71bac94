"""Prediction environments and the snapshot of their hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.records import EnvironmentRecord
from mgmt_ansible.control_plane.store.schema import DEPLOYMENTS, ENVIRONMENT_HOSTS, ENVIRONMENTS
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2

_WORST_FIRST = (Health.FAILING, Health.WARNING, Health.UNKNOWN, Health.PASSING)


class EnvironmentRows:
    """Environments in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, environment_id: str, body: api_v2.PredictionEnvironmentIn, *, created_at: datetime) -> None:
        """Add one; ConflictError when the name is taken."""
        values = body.model_dump()
        self._connection.execute(
            ENVIRONMENTS.insert().values(
                id=environment_id, created_at=created_at, status_requested_at=created_at, **values
            )
        )

    def get(self, environment_id: str) -> api_v2.PredictionEnvironment:
        """Return one; NotFoundError."""
        row = self._connection.execute(ENVIRONMENTS.select().where(ENVIRONMENTS.c.id == environment_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"prediction environment {environment_id} does not exist")
        return self._to_wire(row)

    def record(self, environment_id: str) -> EnvironmentRecord:
        """Return one as rules see it; NotFoundError."""
        found = self.records([environment_id])
        if not found:
            raise errors.NotFoundError(f"prediction environment {environment_id} does not exist")
        return found[0]

    def records(self, environment_ids: Sequence[str]) -> tuple[EnvironmentRecord, ...]:
        """Return those of the ids that exist."""
        rows = self._connection.execute(ENVIRONMENTS.select().where(ENVIRONMENTS.c.id.in_(environment_ids)))
        return tuple(
            EnvironmentRecord(
                id=row.id,
                name=row.name,
                status_interval_seconds=row.status_interval_seconds,
                status_requested_at=row.status_requested_at,
            )
            for row in rows
        )

    def name_taken(self, name: str) -> bool:
        """Tell whether an environment has this name."""
        query = sa.select(ENVIRONMENTS.c.id).where(ENVIRONMENTS.c.name == name)
        return self._connection.execute(query).first() is not None

    def list(self, *, limit: int, offset: int) -> api_v2.Page[api_v2.PredictionEnvironment]:
        """Return environments by name."""
        query = ENVIRONMENTS.select().order_by(ENVIRONMENTS.c.name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=self._to_wire)

    def update(self, environment_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        if values:
            self._connection.execute(ENVIRONMENTS.update().where(ENVIRONMENTS.c.id == environment_id).values(**values))

    def delete(self, environment_id: str) -> None:
        """Remove one with its hosts; the caller made sure that no deployment uses it."""
        self._connection.execute(ENVIRONMENTS.delete().where(ENVIRONMENTS.c.id == environment_id))

    def deployments_using(self, environment_id: str) -> int:
        """Count its deployments."""
        query = sa.select(sa.func.count()).where(DEPLOYMENTS.c.environment_id == environment_id)
        return int(self._connection.execute(query).scalar_one())

    def replace_hosts(self, environment_id: str, hosts: Sequence[InventoryHost], *, taken_at: datetime) -> None:
        """Put a new snapshot in place of the former; an older one is ignored."""
        table = ENVIRONMENT_HOSTS
        newest = sa.select(sa.func.max(table.c.taken_at)).where(table.c.environment_id == environment_id)
        former = self._connection.execute(newest).scalar_one()
        if former is not None and former > taken_at:
            return
        self._connection.execute(table.delete().where(table.c.environment_id == environment_id))
        rows = [
            {
                "environment_id": environment_id,
                "position": position,
                "name": host.name,
                "groups": list(host.groups),
                "taken_at": taken_at,
            }
            for position, host in enumerate(hosts)
        ]
        if rows:
            self._connection.execute(table.insert(), rows)

    def list_hosts(self, environment_id: str, *, limit: int, offset: int) -> api_v2.Page[api_v2.EnvironmentHost]:
        """Return the snapshot in inventory order."""
        table = ENVIRONMENT_HOSTS
        query = table.select().where(table.c.environment_id == environment_id).order_by(table.c.position)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_host_to_wire)

    def _to_wire(self, row: sa.Row[Any]) -> api_v2.PredictionEnvironment:
        return api_v2.PredictionEnvironment(
            id=row.id,
            name=row.name,
            platform=row.platform,
            description=row.description,
            supported_model_formats=row.supported_model_formats,
            is_managed_by_management_agent=row.is_managed_by_management_agent,
            managed_by="managementAgent" if row.is_managed_by_management_agent else "selfManaged",
            status_interval_seconds=row.status_interval_seconds,
            health=self._health(row.id),
            created_at=row.created_at,
        )

    def _health(self, environment_id: str) -> api_v2.HealthStatus:
        query = (
            sa.select(DEPLOYMENTS.c.health, sa.func.count())
            .where(DEPLOYMENTS.c.environment_id == environment_id)
            .group_by(DEPLOYMENTS.c.health)
        )
        counts = {Health(health): count for health, count in self._connection.execute(query)}
        worst = next((health for health in _WORST_FIRST if counts.get(health)), None)
        if worst is None:
            return api_v2.HealthStatus(status=Health.UNKNOWN, message="no deployments")
        return api_v2.HealthStatus(status=worst, message=f"{counts[worst]} of {sum(counts.values())} deployments")


def _host_to_wire(row: sa.Row[Any]) -> api_v2.EnvironmentHost:
    return api_v2.EnvironmentHost(
        name=row.name, groups=row.groups, prediction_environment_id=row.environment_id, taken_at=row.taken_at
    )
