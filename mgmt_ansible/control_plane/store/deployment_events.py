"""The feed: appended to, never changed, its oldest part removed by retention; its order is `sequence`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store import event_hours, event_search, scoping
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.event_criteria import between, conditions
from mgmt_ansible.control_plane.store.event_finding import EventFinder
from mgmt_ansible.control_plane.store.paging import MAX_LIMIT
from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS, DEPLOYMENTS, REMOVED_EVENTS
from mgmt_ansible.domain.deployment_events import TELLINGS
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.flapping import REMEMBERED, Told
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.search_words import stored_words, words_of
from mgmt_ansible.wire import api_v2

_STATUS_TYPES = {
    Health.PASSING: "success",
    Health.WARNING: "warning",
    Health.FAILING: "failure",
    Health.UNKNOWN: "warning",
    Health.INFO: "info",
}

_SHOWN = tuple(column for column in DEPLOYMENT_EVENTS.c if column is not DEPLOYMENT_EVENTS.c.words)
"""All but what is there only to be found."""

SEARCHED = ("type", "title", "message", "deployment_id", "host", "actor", "data")
"""Columns whose words are found; `None` in them has none."""


_INSERT = DEPLOYMENT_EVENTS.insert()

_NEWEST = sa.select(sa.func.max(DEPLOYMENT_EVENTS.c.sequence))

_TOLD_TYPES = tuple(sorted(TELLINGS))


class DeploymentEventRows:
    """The feed in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def append(self, values: Mapping[str, object]) -> None:
        """Add one entry; column -> value, without its sequence and its words."""
        self.append_all([values])

    def append_all(self, entries: Sequence[Mapping[str, object]]) -> None:
        """Add entries, each as `append` takes one, in their order: much faster than one by one."""
        rows = [{**values, "words": stored_words(values[name] for name in SEARCHED)} for values in entries]
        if not rows:
            return
        last = self.newest_sequence()
        self._connection.execute(_INSERT, rows)
        times = [values["occurred_at"] for values in entries if isinstance(values["occurred_at"], datetime)]
        event_hours.add(self._connection, times, oldest=last + 1, newest=self.newest_sequence())
        event_search.tidy(self._connection, len(rows))

    def list(
        self,
        filters: EventFilters,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int,
        offset: int = 0,
    ) -> api_v2.EventPage:
        """Return entries, newest first; `before` and `after` are exclusive."""
        finder = EventFinder(self._connection, filters, before=before, after=after)
        found = finder.newest(limit=max(1, min(limit, MAX_LIMIT)), offset=max(0, offset))
        data = list(self._entries(found.sequences))
        return api_v2.EventPage(count=len(data), total_count=found.total, total_count_exact=found.exact, data=data)

    def count(self, filters: EventFilters, *, before: int) -> int:
        """Return how many entries there are before a sequence, exactly: seconds when they are many."""
        words = (
            () if not filters.search else (event_search.holds(words_of(filters.search), self._connection.dialect.name),)
        )
        query = sa.select(sa.func.count()).select_from(DEPLOYMENT_EVENTS)
        where = (*conditions(self._connection, filters), *words, *between(before=before, after=None))
        return self._connection.execute(query.where(*where)).scalar_one()

    def preceding(self, filters: EventFilters, *, before: int, limit: int) -> tuple[api_v2.DeploymentEvent, ...]:
        """Return entries before a sequence, newest first."""
        return self._entries(EventFinder(self._connection, filters, before=before).next_newest(limit=limit))

    def newest_of(self, deployment_ids: Sequence[str]) -> dict[str, api_v2.DeploymentEvent]:
        """Return deployment id -> its newest entry, without `data`, which may be large."""
        table = DEPLOYMENT_EVENTS
        newest = sa.select(sa.func.max(table.c.sequence)).where(any_of(table.c.deployment_id, deployment_ids))
        columns = [column for column in _SHOWN if column is not table.c.data]
        query: sa.Select[Any] = sa.select(*columns, sa.null().label("data"))
        rows = self._connection.execute(query.where(table.c.sequence.in_(newest.group_by(table.c.deployment_id))))
        return {row.deployment_id: _to_wire(row) for row in rows}

    def following(self, after: int, filters: EventFilters, *, limit: int) -> tuple[api_v2.DeploymentEvent, ...]:
        """Return entries after a sequence, oldest first."""
        return self._entries(EventFinder(self._connection, filters, after=after).next_oldest(limit=limit))

    def told(self, event_type: str, *, actor: str, since: datetime) -> bool:
        """Tell whether somebody's entry of a type came since a time."""
        table = DEPLOYMENT_EVENTS
        found = sa.select(table.c.sequence).where(
            table.c.type == event_type, table.c.actor == actor, table.c.received_at >= since
        )
        return self._connection.execute(found.limit(1)).first() is not None

    def told_healths(self, generations: Mapping[str, int]) -> dict[str, tuple[Told, ...]]:
        """Return what the feed's newest entries tell of deployments' healths, each in the feed's order.

        Args:
            generations: Deployment id -> the only generation that counts.
        """
        told: dict[str, list[Told]] = {deployment_id: [] for deployment_id in generations}
        for row in self._connection.execute(_TELLING, {"deployments": tuple(generations)}):
            if row.generation == generations[row.deployment_id]:
                one = Told(telling=TELLINGS[row.type], health=Health(row.health), at=row.received_at)
                told[row.deployment_id].append(one)
        return {deployment_id: tuple(some) for deployment_id, some in told.items()}

    def healths(self, deployment_id: str, *, limit: int) -> tuple[tuple[datetime, Health], ...]:
        """Return when a deployment's newest entries told which health, oldest first; those that only tell are left out."""
        table = DEPLOYMENT_EVENTS
        query = (
            sa.select(table.c.occurred_at, table.c.health)
            .where(table.c.deployment_id == deployment_id, table.c.health != Health.INFO.value)
            .order_by(table.c.sequence.desc())
            .limit(limit)
        )
        rows = self._connection.execute(query).all()
        return tuple((row.occurred_at, Health(row.health)) for row in reversed(rows))

    def find(self, entry_id: str) -> api_v2.DeploymentEvent | None:
        """Return one entry by its id."""
        row = self._connection.execute(sa.select(*_SHOWN).where(DEPLOYMENT_EVENTS.c.id == entry_id)).one_or_none()
        return None if row is None else _to_wire(row)

    def newest_sequence(self) -> int:
        """Return the newest entry's sequence; 0 when there is none."""
        return self._connection.execute(_NEWEST).scalar_one() or 0

    def oldest_sequence(self) -> int:
        """Return the oldest entry's sequence; 0 when there is none."""
        return self._connection.execute(sa.select(sa.func.min(DEPLOYMENT_EVENTS.c.sequence))).scalar_one() or 0

    def newest_removed(self) -> int:
        """Return the highest sequence that retention removed, of whatever environment; 0 when it removed none.

        Whoever is for some environments may so be told of a gap that is none of theirs, and never misses one that is.
        """
        query = sa.select(sa.func.max(REMOVED_EVENTS.c.newest))
        return self._connection.execute(query, execution_options=scoping.EVERYWHERE).scalar_one() or 0

    def counts(self) -> dict[str, int]:
        """Return type -> number of entries that ever were, so that no count goes down when some are removed."""
        query = sa.select(DEPLOYMENT_EVENTS.c.type, sa.func.count()).group_by(DEPLOYMENT_EVENTS.c.type)
        removed = sa.select(REMOVED_EVENTS.c.type, REMOVED_EVENTS.c.count)
        counts: Counter[str] = Counter()
        for event_type, count in (*self._connection.execute(query), *self._connection.execute(removed)):
            counts[event_type] += count
        return dict(counts)

    def _entries(self, sequences: Sequence[int]) -> tuple[api_v2.DeploymentEvent, ...]:
        """Return entries in the order of these sequences; one that retention took meanwhile (PostgreSQL) is left out."""
        query = sa.select(*_SHOWN).where(any_of(DEPLOYMENT_EVENTS.c.sequence, sequences))
        found = {row.sequence: _to_wire(row) for row in self._connection.execute(query)}
        return tuple(found[sequence] for sequence in sequences if sequence in found)


def _telling() -> sa.Select[Any]:
    """Return a query of the newest entries that tell a health, of each of some deployments, in the feed's order."""
    told, older = DEPLOYMENT_EVENTS, DEPLOYMENT_EVENTS.alias("older")
    last = (
        sa.select(older.c.sequence)
        .where(older.c.deployment_id == DEPLOYMENTS.c.id, older.c.type.in_(_TOLD_TYPES))
        .order_by(older.c.sequence.desc())
        .offset(REMEMBERED - 1)
        .limit(1)
        .scalar_subquery()
    )
    asked = sa.select(DEPLOYMENTS.c.id, sa.func.coalesce(last, 0).label("last")).where(
        any_of(DEPLOYMENTS.c.id, "deployments")
    )
    ends = asked.cte("ends")
    return (
        sa.select(told.c.deployment_id, told.c.type, told.c.health, told.c.generation, told.c.received_at)
        .join_from(ends, told, sa.and_(told.c.deployment_id == ends.c.id, told.c.sequence >= ends.c.last))
        .where(told.c.type.concat("").in_(_TOLD_TYPES))  # no column: else SQLite goes along the index of types
        .order_by(told.c.sequence)
    )


_TELLING = _telling()


def _to_wire(row: sa.Row[Any]) -> api_v2.DeploymentEvent:
    return api_v2.DeploymentEvent(
        id=row.id,
        sequence=row.sequence,
        type=row.type,
        status_type=_STATUS_TYPES[Health(row.health)],
        health=row.health,
        title=row.title,
        message=row.message,
        timestamp=row.occurred_at,
        received_at=row.received_at,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        action_id=row.action_id,
        run_id=row.run_id,
        generation=row.generation,
        host=row.host,
        actor=row.actor,
        data=row.data or {},
    )
