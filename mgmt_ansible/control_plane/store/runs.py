"""Runs as agents reported them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.schema import RUNS
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

_WITHOUT_LOG = sa.select(*(column for column in RUNS.c if column.name != "log_tail"))


class RunRows:
    """Runs in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, values: Mapping[str, object]) -> None:
        """Add one, column -> value; a known id changes nothing."""
        known = sa.select(RUNS.c.id).where(RUNS.c.id == values["id"])
        if self._connection.execute(known).first() is None:
            self._connection.execute(RUNS.insert().values(**values))

    def get(self, run_id: str) -> api_v2.Run:
        """Return one; NotFoundError."""
        row = self._connection.execute(RUNS.select().where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"run {run_id} does not exist")
        return _to_wire(row, log_tail=row.log_tail)

    def newest_of(self, action_id: str) -> str | None:
        """Return the id of the newest run of an action's newest attempt; a late report of an older one does not count."""
        query = sa.select(RUNS.c.id).where(RUNS.c.action_id == action_id)
        newest = query.order_by(RUNS.c.attempt.desc(), RUNS.c.sequence.desc()).limit(1)
        return self._connection.execute(newest).scalar_one_or_none()

    def list(
        self, *, deployment_id: str | None, action_id: str | None, status: RunStatus | None, limit: int, offset: int
    ) -> api_v2.Page[api_v2.Run]:
        """Return runs, newest first, without their logs."""
        query = _WITHOUT_LOG.order_by(RUNS.c.sequence.desc())
        wanted = ((RUNS.c.deployment_id, deployment_id), (RUNS.c.action_id, action_id), (RUNS.c.status, status))
        for column, value in wanted:
            query = query if value is None else query.where(column == value)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)


def _to_wire(row: sa.Row[Any], *, log_tail: str = "") -> api_v2.Run:
    return api_v2.Run(
        id=row.id,
        action_id=row.action_id,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        attempt=row.attempt,
        wave=row.wave,
        playbook=row.playbook,
        request_hash=row.request_hash,
        status=row.status,
        message=row.message,
        started_at=row.started_at,
        ended_at=row.ended_at,
        ansible_version=row.ansible_version,
        hosts=row.hosts,
        log_tail=log_tail,
    )
