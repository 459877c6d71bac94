"""Prediction environments and the snapshot of their hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.access_tables import ACCESS_TOKENS
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.deployment_tables import DELETED_ENVIRONMENTS
from mgmt_ansible.control_plane.store.paging import contains, page_of
from mgmt_ansible.control_plane.store.records import EnvironmentRecord
from mgmt_ansible.control_plane.store.schema import DEPLOYMENTS, ENVIRONMENT_HOSTS, ENVIRONMENTS
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2

_WORST_FIRST = (Health.FAILING, Health.WARNING, Health.UNKNOWN, Health.PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFilters:
    """Which environments; what is None asks nothing. `search` looks into name, description and id."""

    search: str | None = None
    platform: str | None = None
    managed: bool | None = None


EVERY_ENVIRONMENT = EnvironmentFilters()


class EnvironmentRows:
    """Environments in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, environment_id: str, values: Mapping[str, object], *, created_at: datetime) -> None:
        """Add one; column -> value; ConflictError when the name is taken."""
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
        return self._to_wire(row, self._service_accounts())

    def record(self, environment_id: str) -> EnvironmentRecord:
        """Return one as rules see it; NotFoundError."""
        found = self.records([environment_id])
        if not found:
            raise errors.NotFoundError(f"prediction environment {environment_id} does not exist")
        return found[0]

    def records(self, environment_ids: Sequence[str]) -> tuple[EnvironmentRecord, ...]:
        """Return those of the ids that exist."""
        rows = self._connection.execute(ENVIRONMENTS.select().where(any_of(ENVIRONMENTS.c.id, environment_ids)))
        return tuple(
            EnvironmentRecord(
                id=row.id,
                name=row.name,
                managed=row.is_managed_by_management_agent,
                status_interval_seconds=row.status_interval_seconds,
                status_requested_at=row.status_requested_at,
            )
            for row in rows
        )

    def name_taken(self, name: str) -> bool:
        """Tell whether an environment has this name."""
        query = sa.select(ENVIRONMENTS.c.id).where(ENVIRONMENTS.c.name == name)
        return self._connection.execute(query).first() is not None

    def list(
        self, filters: EnvironmentFilters, *, limit: int, offset: int
    ) -> api_v2.Page[api_v2.PredictionEnvironment]:
        """Return environments by name."""
        query = ENVIRONMENTS.select().order_by(ENVIRONMENTS.c.name)
        if filters.search:
            columns = (ENVIRONMENTS.c.name, ENVIRONMENTS.c.description, ENVIRONMENTS.c.id)
            query = query.where(sa.or_(*(contains(column, filters.search) for column in columns)))
        if filters.platform is not None:
            query = query.where(ENVIRONMENTS.c.platform == filters.platform)
        if filters.managed is not None:
            query = query.where(ENVIRONMENTS.c.is_managed_by_management_agent == filters.managed)
        accounts = self._service_accounts()
        return page_of(
            self._connection, query, limit=limit, offset=offset, make=lambda row: self._to_wire(row, accounts)
        )

    def update(self, environment_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        if values:
            self._connection.execute(ENVIRONMENTS.update().where(ENVIRONMENTS.c.id == environment_id).values(**values))

    def delete(self, environment_id: str, *, at: datetime) -> None:
        """Remove one with its hosts, and remember its id; the caller made sure that no deployment uses it."""
        self._connection.execute(ENVIRONMENTS.delete().where(ENVIRONMENTS.c.id == environment_id))
        self._connection.execute(DELETED_ENVIRONMENTS.insert().values(id=environment_id, deleted_at=at))

    def was_deleted(self, environment_id: str) -> bool:
        """Tell whether there was an environment of this id."""
        query = DELETED_ENVIRONMENTS.select().where(DELETED_ENVIRONMENTS.c.id == environment_id)
        return self._connection.execute(query).first() is not None

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

    def _service_accounts(self) -> dict[str, api_v2.ManagementMeta]:
        """Return environment id -> the oldest agent's token that may serve it."""
        query = ACCESS_TOKENS.select().where(ACCESS_TOKENS.c.kind == "agent", ACCESS_TOKENS.c.revoked_at.is_(None))
        found: dict[str, api_v2.ManagementMeta] = {}
        for row in self._connection.execute(query.order_by(ACCESS_TOKENS.c.created_at, ACCESS_TOKENS.c.id)):
            for environment_id in row.environment_ids:
                found.setdefault(environment_id, api_v2.ManagementMeta(user_id=row.id, username=row.name))
        return found

    def _to_wire(self, row: sa.Row[Any], accounts: Mapping[str, api_v2.ManagementMeta]) -> api_v2.PredictionEnvironment:
        managed = row.is_managed_by_management_agent
        return api_v2.PredictionEnvironment(
            id=row.id,
            name=row.name,
            platform=row.platform,
            description=row.description,
            supported_model_formats=row.supported_model_formats,
            is_managed_by_management_agent=managed,
            managed_by=managed_by(managed=managed),
            status_interval_seconds=row.status_interval_seconds,
            health=self._health(row.id),
            created_at=row.created_at,
            plugin=row.plugin,
            priority=row.priority,
            max_concurrent_batch_predictions_job=row.max_concurrent_batch_predictions_job,
            import_meta=api_v2.ImportMeta(creator_username=row.created_by, date_created=row.created_at),
            management_meta=accounts.get(row.id) if managed else None,
        )

    def _health(self, environment_id: str) -> api_v2.EnvironmentHealth:
        query = (
            sa.select(DEPLOYMENTS.c.health, sa.func.count(), sa.func.max(DEPLOYMENTS.c.updated_at))
            .where(DEPLOYMENTS.c.environment_id == environment_id)
            .group_by(DEPLOYMENTS.c.health)
        )
        rows = self._connection.execute(query).all()
        counts = {Health(health): count for health, count, _ in rows}
        worst = next((health for health in _WORST_FIRST if counts.get(health)), None)
        if worst is None:
            return api_v2.EnvironmentHealth(status=Health.UNKNOWN, message="no deployments")
        return api_v2.EnvironmentHealth(
            status=worst,
            message=f"{counts[worst]} of {sum(counts.values())} deployments",
            timestamp=max(updated_at for _, _, updated_at in rows),
        )


def managed_by(*, managed: bool) -> str:
    """Return the vendor's word for who acts on an environment's hosts."""
    return (api_v2.ManagedBy.MANAGEMENT_AGENT if managed else api_v2.ManagedBy.SELF_MANAGED).value


def _host_to_wire(row: sa.Row[Any]) -> api_v2.EnvironmentHost:
    return api_v2.EnvironmentHost(
        name=row.name, groups=row.groups, prediction_environment_id=row.environment_id, taken_at=row.taken_at
    )
