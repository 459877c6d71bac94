"""Runs as agents reported them, while they go on and when they have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.paging import contains, page_of
from mgmt_ansible.control_plane.store.schema import ACTIONS, RUNS
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

_NEVER_TOLD = "nobody told how it ended: its agent was lost, or its claim was somebody else's by then"
_DRY_RUN = (
    sa.exists()
    .where(ACTIONS.c.id == RUNS.c.action_id, ACTIONS.c.type == ActionType.DEPLOYMENT_DRY_RUN.value)
    .label("dry_run")
)
_WITHOUT_LOG = sa.select(*(column for column in RUNS.c if column.name != "log_tail"), _DRY_RUN)
_WITHOUT_HOSTS = sa.select(
    *(column for column in RUNS.c if column.name not in ("log_tail", "hosts")),
    sa.case((RUNS.c.outcomes.is_(None), RUNS.c.hosts), else_=sa.null()).label("hosts"),
    _DRY_RUN,
)
_SEARCHED = (RUNS.c.id, RUNS.c.deployment_id, RUNS.c.playbook, RUNS.c.message)


class RunRows:
    """Runs in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def begin(self, values: Mapping[str, object], *, started_at: datetime) -> None:
        """Add one that goes on; a known id changes nothing."""
        if self.find_action(str(values["id"])) is None:
            going_on = {
                "wave": 0,
                "request_hash": "",
                "status": RunStatus.RUNNING.value,
                "message": "",
                "started_at": started_at,
                "ended_at": started_at,
                "ansible_version": "",
                "hosts": [],
                "log_tail": "",
                "outcomes": {},
            }
            self._connection.execute(RUNS.insert().values({**going_on, **values}))

    def insert(self, values: Mapping[str, object]) -> None:
        """Add one that has ended, or end one that goes on; what was told before changes nothing."""
        counted = {**values, "outcomes": _count_outcomes(values["hosts"])}
        known = RUNS.c.id == values["id"]
        if self.find_action(str(values["id"])) is None:
            self._connection.execute(RUNS.insert().values(**counted))
            return
        lines = sa.case((RUNS.c.log_lines > values["log_lines"], RUNS.c.log_lines), else_=values["log_lines"])
        self._connection.execute(
            RUNS.update()
            .where(known, RUNS.c.request_hash == "", RUNS.c.action_id == values["action_id"])
            .values({**counted, "log_lines": lines})
        )

    def abandon(self, action_id: str, *, at: datetime, before_attempt: int | None = None) -> None:
        """End runs of an action that still go on, as nobody will tell of them; a late report still counts.

        Args:
            action_id: Of the action.
            at: When it was given up.
            before_attempt: Only of earlier attempts; None means of all.
        """
        statement = RUNS.update().where(RUNS.c.action_id == action_id, RUNS.c.status == RunStatus.RUNNING.value)
        if before_attempt is not None:
            statement = statement.where(RUNS.c.attempt < before_attempt)
        self._connection.execute(statement.values(status=RunStatus.CANCELED.value, message=_NEVER_TOLD, ended_at=at))

    def find_action(self, run_id: str) -> str | None:
        """Return the id of a run's action; None when the run is not known."""
        query = sa.select(RUNS.c.action_id).where(RUNS.c.id == run_id)
        return self._connection.execute(query).scalar_one_or_none()

    def get(self, run_id: str) -> api_v2.Run:
        """Return one; NotFoundError."""
        row = self._connection.execute(sa.select(RUNS, _DRY_RUN).where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"run {run_id} does not exist")
        return _to_wire(row, log_tail=row.log_tail)

    def newest_of(self, action_id: str) -> str | None:
        """Return the id of the newest run of an action's newest attempt; a late report of an older one does not count."""
        query = sa.select(RUNS.c.id).where(RUNS.c.action_id == action_id)
        newest = query.order_by(RUNS.c.attempt.desc(), RUNS.c.sequence.desc()).limit(1)
        return self._connection.execute(newest).scalar_one_or_none()

    def list(
        self, filters: RunFilters, *, before: int | None, limit: int, offset: int, hosts: bool = True
    ) -> api_v2.Page[api_v2.Run]:
        """Return runs, newest first, without their logs.

        Args:
            filters: Which ones.
            before: Only those with a smaller sequence.
            limit: At most so many.
            offset: Skip so many.
            hosts: Whether each brings its hosts' outcomes; else only their numbers.
        """
        query = _newest_first(filters, before=before, hosts=hosts)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def preceding(self, filters: RunFilters, *, before: int | None, limit: int, hosts: bool) -> tuple[api_v2.Run, ...]:
        """Return such runs without counting them all."""
        query = _newest_first(filters, before=before, hosts=hosts).limit(limit)
        return tuple(_to_wire(row) for row in self._connection.execute(query))

    def count(self, filters: RunFilters) -> int:
        """Return how many there are."""
        query = sa.select(sa.func.count()).select_from(RUNS).where(*_conditions(filters))
        return self._connection.execute(query).scalar_one()


def _newest_first(filters: RunFilters, *, before: int | None, hosts: bool) -> sa.Select[Any]:
    query = (_WITHOUT_LOG if hosts else _WITHOUT_HOSTS).where(*_conditions(filters))
    query = query if before is None else query.where(RUNS.c.sequence < before)
    return query.order_by(RUNS.c.sequence.desc())


def _conditions(filters: RunFilters) -> tuple[sa.ColumnElement[bool], ...]:
    wanted: list[sa.ColumnElement[bool]] = []
    if filters.environment_id is not None:
        wanted.append(RUNS.c.environment_id == filters.environment_id)
    if filters.deployment_id is not None:
        wanted.append(RUNS.c.deployment_id == filters.deployment_id)
    if filters.action_id is not None:
        wanted.append(RUNS.c.action_id == filters.action_id)
    if filters.statuses:
        wanted.append(RUNS.c.status.in_([status.value for status in filters.statuses]))
    if filters.since is not None:
        wanted.append(RUNS.c.started_at >= filters.since)
    if filters.until is not None:
        wanted.append(RUNS.c.started_at < filters.until)
    if filters.search:
        wanted.append(sa.or_(*(contains(column, filters.search) for column in _SEARCHED)))
    return tuple(wanted)


def _count_outcomes(hosts: object) -> dict[str, int]:
    found = [host["outcome"] for host in hosts if isinstance(host, dict)] if isinstance(hosts, list) else []
    return dict(Counter(found))


def _to_wire(row: sa.Row[Any], *, log_tail: str = "") -> api_v2.Run:
    goes_on = row.status == RunStatus.RUNNING.value
    return api_v2.Run(
        id=row.id,
        sequence=row.sequence,
        action_id=row.action_id,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        attempt=row.attempt,
        wave=row.wave,
        playbook=row.playbook,
        dry_run=row.dry_run,
        request_hash=row.request_hash,
        status=row.status,
        message=row.message,
        started_at=row.started_at,
        ended_at=None if goes_on else row.ended_at,
        ansible_version=row.ansible_version,
        hosts=row.hosts or [],
        outcomes=_count_outcomes(row.hosts) if row.outcomes is None else row.outcomes,
        log_lines=row.log_lines,
        log_tail=log_tail,
    )
