"""What people decided on retention: policies and legal holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.retention_tables import LEGAL_HOLDS, RETENTION_POLICIES
from mgmt_ansible.domain.event_filters import EventCategory
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.retention import DEFAULT, DEFAULT_NAME, RetentionPolicy, RetentionRules
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import retention as shapes


class RetentionRows:
    """Policies and legal holds in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rules(self) -> RetentionRules:
        """Return all that people decided."""
        policies = {row.name: _policy(row) for row in self._connection.execute(RETENTION_POLICIES.select())}
        default = policies.pop(DEFAULT_NAME, DEFAULT)
        holds = self._connection.execute(LEGAL_HOLDS.select()).all()
        return RetentionRules(
            policies=tuple(policies[name] for name in sorted(policies)),
            default=default,
            held_environments=frozenset(row.environment_id for row in holds if row.deployment_id is None),
            held_deployments=frozenset(row.deployment_id for row in holds if row.deployment_id is not None),
        )

    def list_policies(self, *, limit: int, offset: int) -> api_v2.Page[shapes.RetentionPolicy]:
        """Return policies by name."""
        query = RETENTION_POLICIES.select().order_by(RETENTION_POLICIES.c.name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_policy_to_wire)

    def get_policy(self, policy_id: str) -> shapes.RetentionPolicy:
        """Return one; NotFoundError."""
        query = RETENTION_POLICIES.select().where(RETENTION_POLICIES.c.id == policy_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"retention policy {policy_id} does not exist")
        return _policy_to_wire(row)

    def policy_name_taken(self, name: str) -> bool:
        """Tell whether a policy has this name."""
        query = sa.select(RETENTION_POLICIES.c.id).where(RETENTION_POLICIES.c.name == name)
        return self._connection.execute(query).first() is not None

    def insert_policy(self, policy_id: str, values: Mapping[str, object]) -> None:
        """Add one, column -> value."""
        self._connection.execute(RETENTION_POLICIES.insert().values(id=policy_id, **values))

    def update_policy(self, policy_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        statement = RETENTION_POLICIES.update().where(RETENTION_POLICIES.c.id == policy_id)
        self._connection.execute(statement.values(**values))

    def delete_policy(self, policy_id: str) -> None:
        """Remove one."""
        self._connection.execute(RETENTION_POLICIES.delete().where(RETENTION_POLICIES.c.id == policy_id))

    def list_holds(self, *, limit: int, offset: int) -> api_v2.Page[shapes.LegalHold]:
        """Return legal holds, newest first."""
        query = LEGAL_HOLDS.select().order_by(LEGAL_HOLDS.c.placed_at.desc(), LEGAL_HOLDS.c.id)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_hold_to_wire)

    def get_hold(self, hold_id: str) -> shapes.LegalHold:
        """Return one; NotFoundError."""
        row = self._connection.execute(LEGAL_HOLDS.select().where(LEGAL_HOLDS.c.id == hold_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"legal hold {hold_id} does not exist")
        return _hold_to_wire(row)

    def insert_hold(
        self,
        hold_id: str,
        *,
        environment_id: str,
        deployment_id: str | None,
        reason: str,
        placed_by: str,
        placed_at: datetime,
    ) -> None:
        """Add one."""
        self._connection.execute(
            LEGAL_HOLDS.insert().values(
                id=hold_id,
                environment_id=environment_id,
                deployment_id=deployment_id,
                reason=reason,
                placed_by=placed_by,
                placed_at=placed_at,
            )
        )

    def delete_hold(self, hold_id: str) -> None:
        """Remove one."""
        self._connection.execute(LEGAL_HOLDS.delete().where(LEGAL_HOLDS.c.id == hold_id))


def _policy(row: sa.Row[Any]) -> RetentionPolicy:
    return RetentionPolicy(
        name=row.name,
        keep_days=row.keep_days,
        environment_id=row.environment_id,
        labels=tuple(row.labels),
        types=tuple(row.types),
        categories=tuple(EventCategory(category) for category in row.categories),
        healths=tuple(Health(health) for health in row.healths),
    )


def _policy_to_wire(row: sa.Row[Any]) -> shapes.RetentionPolicy:
    return shapes.RetentionPolicy(
        id=row.id,
        name=row.name,
        keep_days=row.keep_days,
        prediction_environment_id=row.environment_id,
        labels=row.labels,
        types=row.types,
        categories=row.categories,
        healths=row.healths,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def _hold_to_wire(row: sa.Row[Any]) -> shapes.LegalHold:
    return shapes.LegalHold(
        id=row.id,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        reason=row.reason,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
    )
