"""What retention looks at, and how it removes; every call is short enough for a writer to wait for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store import event_search
from mgmt_ansible.control_plane.store.action_records import UNFINISHED
from mgmt_ansible.control_plane.store.run_logs import RunLogRows
from mgmt_ansible.control_plane.store.schema import ACTIONS, DEPLOYMENT_EVENTS, DEPLOYMENTS, REMOVED_EVENTS, RUNS
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.retention import ROLLBACK_TARGETS, KeptEntry, KeptRun, Protection, RetentionRules, Standing

_TO_GO_BACK_TO = (
    ActionType.DEPLOYMENT_LAUNCH.value,
    ActionType.DEPLOYMENT_REPLACE_MODEL.value,
    ActionType.DEPLOYMENT_ROLLBACK.value,
)
_INCREMENTAL = 2
"""Of SQLite's `auto_vacuum`."""


class PruningRows:
    """The feed and runs, as retention sees them, in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def standing(self, rules: RetentionRules, *, now: datetime) -> Standing:
        """Return what is true now."""
        healths = sa.select(DEPLOYMENTS.c.id, DEPLOYMENTS.c.health, DEPLOYMENTS.c.health_since)
        deployments = self._connection.execute(healths).all()
        return Standing(
            now=now,
            rules=rules,
            labels=self._labels() if rules.ask_labels else {},
            deployments=frozenset(row.id for row in deployments),
            incidents={row.id: row.health_since for row in deployments if row.health != Health.PASSING.value},
            actions=self._kept_actions(),
        )

    def entries(self, *, before: int | None, limit: int) -> tuple[KeptEntry, ...]:
        """Return entries before a sequence, newest first."""
        columns = DEPLOYMENT_EVENTS.c
        query: sa.Select[Any] = sa.select(
            columns.sequence,
            columns.type,
            columns.health,
            columns.environment_id,
            columns.deployment_id,
            columns.action_id,
            columns.run_id,
            columns.host,
            columns.data["hosts"].label("hosts"),
            columns.received_at,
        )
        query = query if before is None else query.where(columns.sequence < before)
        rows = self._connection.execute(query.order_by(columns.sequence.desc()).limit(limit))
        return tuple(_entry(row) for row in rows)

    def runs(self, *, before: int | None, limit: int) -> tuple[KeptRun, ...]:
        """Return runs before a sequence, newest first."""
        query = sa.select(
            RUNS.c.sequence,
            RUNS.c.id,
            RUNS.c.environment_id,
            RUNS.c.deployment_id,
            RUNS.c.action_id,
            sa.func.coalesce(ACTIONS.c.finished_at, ACTIONS.c.requested_at).label("stored_at"),
        ).join(ACTIONS, ACTIONS.c.id == RUNS.c.action_id)
        query = query if before is None else query.where(RUNS.c.sequence < before)
        rows = self._connection.execute(query.order_by(RUNS.c.sequence.desc()).limit(limit))
        return tuple(KeptRun(**row._mapping) for row in rows)

    def remove_entries(self, sequences: Sequence[int]) -> frozenset[int]:
        """Remove entries; return those that were there still, as somebody else may remove too."""
        columns = DEPLOYMENT_EVENTS.c
        statement = DEPLOYMENT_EVENTS.delete().where(columns.sequence.in_(sequences))
        removed = self._connection.execute(statement.returning(columns.sequence, columns.type)).all()
        newest = max((row.sequence for row in removed), default=0)
        for event_type, count in sorted(Counter(row.type for row in removed).items()):
            self._count_removed(event_type, count, newest)
        event_search.tidy(self._connection, len(removed))
        return frozenset(row.sequence for row in removed)

    def remove_runs(self, sequences: Sequence[int]) -> frozenset[int]:
        """Remove runs with their logs; return those that were there still."""
        statement = RUNS.delete().where(RUNS.c.sequence.in_(sequences)).returning(RUNS.c.sequence, RUNS.c.id)
        removed = self._connection.execute(statement).all()
        RunLogRows(self._connection).remove(row.id for row in removed)
        return frozenset(row.sequence for row in removed)

    def give_back(self, pages: int) -> int:
        """Give free pages of SQLite's file back to the disk; return how many.

        0 for a file that was made before this could be said of it, whose free pages are only used again, and for
        PostgreSQL, whose autovacuum does it.
        """
        if self._connection.dialect.name != "sqlite" or self._pragma("auto_vacuum") != _INCREMENTAL:
            return 0
        free = self._pragma("freelist_count")
        for _ in range(min(pages, free)):
            self._connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")  # Python's driver takes but one step of it
        return free - self._pragma("freelist_count")

    def _count_removed(self, event_type: str, count: int, newest: int) -> None:
        table = REMOVED_EVENTS
        reached = sa.case((table.c.newest < newest, newest), else_=table.c.newest)
        known = table.update().where(table.c.type == event_type).values(count=table.c.count + count, newest=reached)
        if not self._connection.execute(known).rowcount:
            self._connection.execute(table.insert().values(type=event_type, count=count, newest=newest))

    def _pragma(self, name: str) -> int:
        return int(self._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())

    def _labels(self) -> dict[str, str]:
        """Return the labels of deployments; of deleted ones as their newest action has it."""
        newest = sa.select(sa.func.max(ACTIONS.c.sequence)).where(ACTIONS.c.deployment_id.is_not(None))
        former = sa.select(ACTIONS.c.deployment_id, ACTIONS.c.spec[("deployment", "label")].as_string()).where(
            ACTIONS.c.sequence.in_(newest.group_by(ACTIONS.c.deployment_id))
        )
        present = sa.select(DEPLOYMENTS.c.id, DEPLOYMENTS.c.label)
        return {
            deployment_id: label
            for query in (former, present)
            for deployment_id, label in self._connection.execute(query)
        }

    def _kept_actions(self) -> dict[str, Protection]:
        open_statuses = (*UNFINISHED, ActionStatus.UNKNOWN.value)
        unsettled = sa.select(ACTIONS.c.id).where(ACTIONS.c.status.in_(open_statuses))
        place = sa.func.row_number().over(partition_by=ACTIONS.c.deployment_id, order_by=ACTIONS.c.sequence.desc())
        ranked = (
            sa.select(ACTIONS.c.id, place.label("place"))
            .join(DEPLOYMENTS, DEPLOYMENTS.c.id == ACTIONS.c.deployment_id)
            .where(ACTIONS.c.status == ActionStatus.SUCCEEDED.value, ACTIONS.c.type.in_(_TO_GO_BACK_TO))
            .subquery()
        )
        targets = sa.select(ranked.c.id).where(ranked.c.place <= ROLLBACK_TARGETS)
        return {
            **dict.fromkeys(self._connection.execute(targets).scalars(), Protection.ROLLBACK_TARGET),
            **dict.fromkeys(self._connection.execute(unsettled).scalars(), Protection.OPEN_ACTION),
        }


def _entry(row: sa.Row[Any]) -> KeptEntry:
    spoken_of = row.hosts if isinstance(row.hosts, dict) else {}
    return KeptEntry(
        sequence=row.sequence,
        type=row.type,
        health=Health(row.health),
        environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        action_id=row.action_id,
        run_id=row.run_id,
        hosts=tuple(dict.fromkeys((*([row.host] if row.host else []), *spoken_of))),
        stored_at=row.received_at,
    )
