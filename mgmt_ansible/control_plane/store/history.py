"""The history of deployments: what each was, from when on; appended in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.history_tables import DEPLOYMENT_HISTORY, HISTORY_BEGIN
from mgmt_ansible.control_plane.store.schema import DEPLOYMENTS, ENVIRONMENTS, PACKAGES
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.history import DeploymentThen

_COLUMNS = DEPLOYMENT_HISTORY.c
_TOLD = (
    "environment_id",
    "label",
    "environment_name",
    "package_name",
    "package_version",
    "package_digest",
    "wanted_running",
    "generation",
    "state",
    "health",
)
"""Columns of which another value is a new line."""

_PRESENT: sa.Select[Any] = (
    sa.select(
        DEPLOYMENTS.c.id.label("deployment_id"),
        DEPLOYMENTS.c.environment_id,
        DEPLOYMENTS.c.label,
        ENVIRONMENTS.c.name.label("environment_name"),
        PACKAGES.c.name.label("package_name"),
        PACKAGES.c.version.label("package_version"),
        PACKAGES.c.digest.label("package_digest"),
        DEPLOYMENTS.c.wanted_running,
        DEPLOYMENTS.c.generation,
        DEPLOYMENTS.c.state,
        DEPLOYMENTS.c.health,
    )
    .join(ENVIRONMENTS, ENVIRONMENTS.c.id == DEPLOYMENTS.c.environment_id)
    .join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id)
    .where(any_of(DEPLOYMENTS.c.id, "deployments"))
)
_NEWEST = DEPLOYMENT_HISTORY.select().where(
    _COLUMNS.sequence.in_(
        sa.select(sa.func.max(_COLUMNS.sequence))
        .where(any_of(_COLUMNS.deployment_id, "deployments"))
        .group_by(_COLUMNS.deployment_id)
    )
)


class HistoryRows:
    """The history in one transaction."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def remember(self, deployment_ids: Collection[str]) -> None:
        """Append a line for each of these deployments that is another now than its newest line says."""
        ids = sorted(deployment_ids)
        if not ids:
            return
        present = {row.deployment_id: row for row in self._connection.execute(_PRESENT, {"deployments": ids})}
        known = {row.deployment_id: row for row in self._connection.execute(_NEWEST, {"deployments": ids})}
        lines: list[dict[str, object]] = []
        for deployment_id in ids:
            row, last = present.get(deployment_id), known.get(deployment_id)
            if row is not None and (last is None or last.deleted or _values(row) != _values(last)):
                lines.append({**_told(row), **self._line(deployment_id, deleted=False)})
            elif row is None and last is not None and not last.deleted:
                lines.append({**_told(last), **self._line(deployment_id, deleted=True)})
        if lines:
            self._connection.execute(DEPLOYMENT_HISTORY.insert(), lines)

    def begin(self) -> datetime:
        """Return from when on the history is whole."""
        since: datetime = self._connection.execute(sa.select(HISTORY_BEGIN.c.since)).scalar_one()
        return since

    def at(self, moment: datetime) -> tuple[DeploymentThen, ...]:
        """Return what deployments were at a time, by id; those that did not exist, or not any more, are left out."""
        newest = sa.select(sa.func.max(_COLUMNS.sequence)).where(_COLUMNS.from_at <= moment)
        query = DEPLOYMENT_HISTORY.select().where(
            _COLUMNS.sequence.in_(newest.group_by(_COLUMNS.deployment_id)), _COLUMNS.deleted.is_(False)
        )
        return tuple(_then(row) for row in self._connection.execute(query.order_by(_COLUMNS.deployment_id)))

    def move_begin(self, horizon: datetime) -> None:
        """Say that nothing before a time can be asked for any more; an earlier one than now changes nothing."""
        statement = HISTORY_BEGIN.update().where(HISTORY_BEGIN.c.since < horizon)
        self._connection.execute(statement.values(since=horizon))

    def prune(self, horizon: datetime, *, limit: int) -> int:
        """Remove lines that say nothing of any time since the horizon, which `move_begin` was told; return how many.

        Of each deployment the newest line before the horizon stays, unless it says that it was deleted.
        """
        later = DEPLOYMENT_HISTORY.alias()
        followed = sa.exists().where(
            later.c.deployment_id == _COLUMNS.deployment_id,
            later.c.sequence > _COLUMNS.sequence,
            later.c.from_at <= horizon,
        )
        old = sa.select(_COLUMNS.sequence).where(_COLUMNS.from_at <= horizon, sa.or_(followed, _COLUMNS.deleted))
        sequences = self._connection.execute(old.order_by(_COLUMNS.sequence).limit(limit)).scalars().all()
        self._connection.execute(DEPLOYMENT_HISTORY.delete().where(any_of(_COLUMNS.sequence, sequences)))
        return len(sequences)

    def _line(self, deployment_id: str, *, deleted: bool) -> dict[str, object]:
        return {"deployment_id": deployment_id, "from_at": self._now, "deleted": deleted}


_values = attrgetter(*_TOLD)


def _told(row: sa.Row[Any]) -> dict[str, object]:
    return dict(zip(_TOLD, _values(row), strict=True))


def _then(row: sa.Row[Any]) -> DeploymentThen:
    return DeploymentThen(
        id=row.deployment_id,
        label=row.label,
        prediction_environment_id=row.environment_id,
        prediction_environment_name=row.environment_name,
        package_name=row.package_name,
        package_version=row.package_version,
        package_digest=row.package_digest,
        wanted_running=row.wanted_running,
        generation=row.generation,
        state=DeploymentState(row.state),
        health=Health(row.health),
        from_at=row.from_at,
    )
