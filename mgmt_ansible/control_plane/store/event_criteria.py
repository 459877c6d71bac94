"""What is asked of the feed, column by column: each criterion but times has an index that goes on with the sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS
from mgmt_ansible.domain.event_filters import TYPE_PREFIXES, EventCategory, EventFilters

_E = DEPLOYMENT_EVENTS.c

_KNOWN_TYPES = sa.text(
    """
    WITH RECURSIVE known(type) AS (
        SELECT min(type) FROM deployment_events
        UNION ALL
        SELECT (SELECT min(type) FROM deployment_events WHERE deployment_events.type > known.type) FROM known
        WHERE known.type IS NOT NULL
    )
    SELECT type FROM known WHERE type IS NOT NULL
    """
)
"""All types of the feed, by a step along the index for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One column, and what it may be.

    Attributes:
        column: Its name.
        values: What it may be; none for times.
        indexed: Whether an index begins with it; not for times, which `event_hours` bring close.
        parts: An entry fulfils one of them at most; along the index each has its entries in the feed's order.
        whole: An entry fulfils one of the parts.
    """

    column: str
    values: tuple[str, ...]
    indexed: bool
    parts: tuple[sa.ColumnElement[bool], ...]
    whole: sa.ColumnElement[bool]


def criteria(connection: sa.Connection, filters: EventFilters) -> tuple[Criterion, ...]:
    """Return what filters ask but for words: what few entries fulfil, as a rule, comes first."""
    values: dict[str, Sequence[str] | None] = {
        "deployment_id": None if filters.deployment_id is None else (filters.deployment_id,),
        "host": filters.hosts or None,
        "actor": None if filters.actor is None else (filters.actor,),
        "type": _types(connection, filters),
        "environment_id": None if filters.environment_id is None else (filters.environment_id,),
        "health": tuple(filters.healths) or None,
    }
    asked = (_of_values(name, some) for name, some in values.items() if some is not None)
    return (*asked, *_of_times(filters))


def conditions(connection: sa.Connection, filters: EventFilters) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the same as conditions that all must hold."""
    return (one.whole for one in criteria(connection, filters))


def between(*, before: int | None, after: int | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Return conditions for a part of the feed; both ends are exclusive."""
    lower = () if after is None else (_E.sequence > after,)
    return lower if before is None else (*lower, _E.sequence < before)


def _of_values(name: str, values: Sequence[str]) -> Criterion:
    column: sa.ColumnElement[Any] = _E[name]
    distinct = tuple(dict.fromkeys(values))
    parts = tuple(column == value for value in distinct)
    return Criterion(column=name, values=distinct, indexed=True, parts=parts, whole=column.in_(distinct))


def _of_times(filters: EventFilters) -> Iterator[Criterion]:
    lower = [] if filters.since is None else [_E.occurred_at >= filters.since]
    upper = [] if filters.until is None else [_E.occurred_at < filters.until]
    if lower or upper:
        whole = sa.and_(*lower, *upper)
        yield Criterion(column="occurred_at", values=(), indexed=False, parts=(whole,), whole=whole)


def _types(connection: sa.Connection, filters: EventFilters) -> Sequence[str] | None:
    """Return the types that are asked for by name or by category, of those that there are; None when any will do."""
    if not filters.categories:
        return filters.types or None
    prefixes = _prefixes(filters.categories)
    asked = filters.types or tuple(connection.execute(_KNOWN_TYPES).scalars())
    return tuple(one for one in asked if one.startswith(prefixes))


def _prefixes(categories: Sequence[EventCategory]) -> tuple[str, ...]:
    return tuple(prefix for category in categories for prefix in TYPE_PREFIXES[category])
