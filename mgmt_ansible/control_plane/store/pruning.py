"""What retention looks at, and how it removes; every call is short enough for a writer to wait for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store import event_search
from mgmt_ansible.control_plane.store.action_records import UNFINISHED
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.run_logs import RunLogRows
from mgmt_ansible.control_plane.store.schema import ACTIONS, DEPLOYMENT_EVENTS, DEPLOYMENTS, RUNS
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployment_events import AUDIT, TELLINGS
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.judging import Place
from mgmt_ansible.domain.retention import ROLLBACK_TARGETS, KeptEntry, KeptRun, Protection, RetentionRules, Standing

_TO_GO_BACK_TO = (
    ActionType.DEPLOYMENT_LAUNCH.value,
    ActionType.DEPLOYMENT_REPLACE_MODEL.value,
    ActionType.DEPLOYMENT_ROLLBACK.value,
)
_INCREMENTAL = 2
"""Of SQLite's `auto_vacuum`."""


_ENTRIES = DEPLOYMENT_EVENTS.c
_KEPT_ENTRY: sa.Select[Any] = sa.select(
    _ENTRIES.sequence,
    _ENTRIES.type,
    _ENTRIES.health,
    _ENTRIES.environment_id,
    _ENTRIES.deployment_id,
    _ENTRIES.action_id,
    _ENTRIES.run_id,
    _ENTRIES.host,
    _ENTRIES.data["hosts"].label("hosts"),
    _ENTRIES.received_at,
)
_BY_DEPLOYMENT = "INDEXED BY ix_deployment_events_deployment_id_sequence"
_ENDED_AT = sa.func.coalesce(ACTIONS.c.finished_at, ACTIONS.c.requested_at)

_TELLINGS = """
    SELECT deployments.id, (
        SELECT count(*) FROM (
            SELECT 1 FROM deployment_events {hint}
            WHERE deployment_id = deployments.id AND sequence > :after AND type IN :types LIMIT :limit
        ) AS counted
    ) AS told FROM deployments WHERE deployments.id IN :ids
"""

_COUNT_REMOVED = sa.text(
    """
    INSERT INTO removed_events (type, count, newest) VALUES (:type, :count, :newest)
    ON CONFLICT (type) DO UPDATE SET
        count = removed_events.count + excluded.count,
        newest = CASE WHEN removed_events.newest < excluded.newest THEN excluded.newest ELSE removed_events.newest END
    """
)


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

    def oldest_time(self, *, after: int, until: int) -> datetime | None:
        """Return when the oldest entry between two sequences was stored, the latter included; None when there is none."""
        found = sa.select(sa.func.min(_ENTRIES.received_at)).where(_between(after, until))
        oldest: datetime | None = self._connection.execute(found).scalar_one()
        return oldest

    def newest_before(self, time: datetime, *, after: int, until: int) -> int | None:
        """Return the newest entry between two sequences, the latter included, that was stored before a time."""
        found = sa.select(_ENTRIES.sequence).where(_between(after, until), _ENTRIES.received_at < time)
        return self._connection.execute(found.order_by(_ENTRIES.sequence.desc()).limit(1)).scalar_one_or_none()

    def entries(self, *, before: int, limit: int) -> tuple[KeptEntry, ...]:
        """Return entries before a sequence, newest first."""
        query = _KEPT_ENTRY.where(_ENTRIES.sequence < before).order_by(_ENTRIES.sequence.desc()).limit(limit)
        return tuple(_entry(row) for row in self._connection.execute(query))

    def entries_of(self, places: Collection[Place], *, after: int, until: int) -> tuple[KeptEntry, ...]:
        """Return entries of places between two sequences, the latter included, but for what is kept as audit."""
        deployments = [deployment_id for _, deployment_id in places if deployment_id is not None]
        environments = [environment_id for environment_id, _ in places if environment_id is not None]
        of_none = sa.and_(_ENTRIES.deployment_id.is_(None), any_of(_ENTRIES.environment_id, environments))
        query = _KEPT_ENTRY.where(_between(after, until), _ENTRIES.type.not_in(sorted(AUDIT)))
        queries = [query.where(any_of(_ENTRIES.deployment_id, deployments))] if deployments else []
        queries += [query.where(of_none)] if environments else []
        return tuple(_entry(row) for one in queries for row in self._connection.execute(one).all())

    def tellings_of(self, deployment_ids: Collection[str], *, after: int, limit: int) -> dict[str, int]:
        """Return how many entries after a sequence tell the health of each of these that exist, counted up to a limit."""
        hint = _BY_DEPLOYMENT if self._connection.dialect.name == "sqlite" else ""
        query = sa.text(_TELLINGS.format(hint=hint)).bindparams(
            sa.bindparam("types", sorted(TELLINGS), expanding=True),
            sa.bindparam("ids", sorted(deployment_ids), expanding=True),
        )
        return {row.id: row.told for row in self._connection.execute(query, {"after": after, "limit": limit})}

    def passed(self, deployment_id: str, before: datetime, *, after: int) -> bool:
        """Tell whether an entry after a sequence, stored before a time, tells that a deployment is passing."""
        query = sa.select(_ENTRIES.sequence).where(
            _ENTRIES.deployment_id == deployment_id,
            _ENTRIES.sequence > after,
            _ENTRIES.type.in_(sorted(TELLINGS)),
            _ENTRIES.health == Health.PASSING.value,
            _ENTRIES.received_at < before,
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def has_old_run(self, horizon: datetime) -> bool:
        """Tell whether a run ended before a time."""
        query = sa.select(RUNS.c.sequence).join(ACTIONS, ACTIONS.c.id == RUNS.c.action_id).where(horizon > _ENDED_AT)
        return self._connection.execute(query.order_by(RUNS.c.sequence).limit(1)).first() is not None

    def run_ids(self, *, after: int, until: int) -> frozenset[str]:
        """Return the runs of which entries between two sequences speak, the latter included."""
        query = sa.select(_ENTRIES.run_id).where(_between(after, until), _ENTRIES.run_id.is_not(None))
        return frozenset(self._connection.execute(query.distinct()).scalars())

    def runs(self, *, before: int | None, limit: int) -> tuple[KeptRun, ...]:
        """Return runs before a sequence, newest first."""
        query = sa.select(
            RUNS.c.sequence,
            RUNS.c.id,
            RUNS.c.environment_id,
            RUNS.c.deployment_id,
            RUNS.c.action_id,
            _ENDED_AT.label("stored_at"),
        ).join(ACTIONS, ACTIONS.c.id == RUNS.c.action_id)
        query = query if before is None else query.where(RUNS.c.sequence < before)
        rows = self._connection.execute(query.order_by(RUNS.c.sequence.desc()).limit(limit))
        return tuple(KeptRun(**row._mapping) for row in rows)

    def remove_entries(self, sequences: Sequence[int]) -> frozenset[int]:
        """Remove entries; return those that were there still, as somebody else may remove too."""
        statement = DEPLOYMENT_EVENTS.delete().where(any_of(_ENTRIES.sequence, sequences))
        removed = self._connection.execute(statement.returning(_ENTRIES.sequence, _ENTRIES.type)).all()
        newest = max((row.sequence for row in removed), default=0)
        counts = sorted(Counter(row.type for row in removed).items())
        if counts:
            rows = [{"type": event_type, "count": count, "newest": newest} for event_type, count in counts]
            self._connection.execute(_COUNT_REMOVED, rows)
        event_search.tidy(self._connection, 0)  # more at once takes up to 50 ms now and then
        return frozenset(row.sequence for row in removed)

    def remove_runs(self, sequences: Sequence[int]) -> frozenset[int]:
        """Remove runs with their logs; return those that were there still."""
        statement = RUNS.delete().where(any_of(RUNS.c.sequence, sequences)).returning(RUNS.c.sequence, RUNS.c.id)
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


def _between(after: int, until: int) -> sa.ColumnElement[bool]:
    return sa.and_(_ENTRIES.sequence > after, _ENTRIES.sequence <= until)


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
