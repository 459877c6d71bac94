"""Finding entries in a feed of millions, newest or oldest first, in a time that hardly grows with it.

Whatever is asked, little is looked at. One criterion alone: its index has the order already. A criterion that few entries
fulfil: these are looked at one by one. Several that many fulfil: the nearest few hundred are looked at one by one, then the
nearest few thousand, and mostly they have a page. What is left then is rare, and searched for by the index of words, or along
the index of a criterion. So a total is told exactly only where that costs nothing more, and else how many there are at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store import event_hours, event_search
from mgmt_ansible.control_plane.store.event_criteria import Criterion, between, criteria
from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.search_words import words_of

NEAR = 500
"""Entries that are looked at one by one, at first."""
FEW = 5_000
"""Entries that are looked at one by one, at most; two fifths of that on PostgreSQL, where each is a page to fetch."""
COUNTED = 10_000
"""More of one criterion are not counted."""
_POSTGRESQL = sa.text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '64MB', true)"
)
"""A plan for any value fits none; with less room only the pages of a common word's entries are kept in mind, and all that is on
them is looked at."""

_SEQUENCE = DEPLOYMENT_EVENTS.c.sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part of what was asked for.

    Attributes:
        sequences: In the order that was asked for.
        total: How many there are in all parts; at least, when not `exact`.
    """

    sequences: tuple[int, ...]
    total: int
    exact: bool


class EventFinder:
    """Finds entries by filters, between two sequences that do not count themselves."""

    def __init__(
        self, connection: sa.Connection, filters: EventFilters, *, before: int | None = None, after: int | None = None
    ) -> None:
        self._connection = connection
        if self._dialect == "postgresql":
            connection.execute(_POSTGRESQL)
        self._words = words_of(filters.search) if filters.search else None
        self._criteria = criteria(connection, filters)
        later = None if filters.since is None else event_hours.after(connection, filters.since)
        earlier = None if filters.until is None else event_hours.before(connection, filters.until)
        self._after = max((one for one in (after, later) if one is not None), default=None)
        self._before = min((one for one in (before, earlier) if one is not None), default=None)
        self._bounds = between(before=self._before, after=self._after)
        self._newest_first = True
        self._counting = True

    def newest(self, *, limit: int, offset: int = 0) -> Found:
        """Return so many, newest first, without the first `offset` of them."""
        beyond = self._behind(offset, limit + 1) if offset else None
        if beyond is not None and beyond.sequences:
            return replace(beyond, sequences=beyond.sequences[:limit])
        found = self._found(limit + offset + 1)
        return Found(sequences=found.sequences[offset : offset + limit], total=found.total, exact=found.exact)

    def next_newest(self, *, limit: int) -> tuple[int, ...]:
        """Return so many, newest first, uncounted."""
        self._counting = False
        return self._found(limit).sequences[:limit]

    def next_oldest(self, *, limit: int) -> tuple[int, ...]:
        """Return so many, oldest first, uncounted."""
        self._newest_first = self._counting = False
        return self._found(limit).sequences[:limit]

    def _found(self, need: int) -> Found:
        """Return at least so many, unless there are less."""
        if self._words == () or any(not one.parts for one in self._criteria):
            return _all_of(())
        if self._one_index:
            return self._by_one_index(need)
        few = next((one for one in self._indexed if self._count(one, self._few) <= self._few), None)
        if few is not None and not self._rows_needed:
            return _all_of(self._met(few))
        driver = few or next((one for one in self._indexed if len(one.parts) == 1), None)
        near = self._among_the_nearest(driver, need, NEAR) if need <= NEAR else None
        if near is not None:
            return near
        if few is not None:
            return _all_of(self._looked_at(few))
        return self._among_the_nearest(driver, need, self._few) or self._by_words_or_index(need)

    def _behind(self, offset: int, need: int) -> Found | None:
        """Return what lies behind an offset, when the database can skip it along one index."""
        if not self._one_index or any(len(one.parts) != 1 for one in self._criteria):
            return None
        query = self._within(*(one.whole for one in self._criteria)).order_by(self._order(_SEQUENCE))
        found = tuple(self._connection.execute(query.offset(offset).limit(need)).scalars())
        return self._with_total(found, at_least=offset + len(found))

    def _by_one_index(self, need: int) -> Found:
        """Answer a question with one criterion, or none."""
        found = self._along_index(need)
        if not self._counting:
            return Found(sequences=found, total=len(found), exact=False)
        return self._with_total(found, at_least=len(found))

    def _with_total(self, found: tuple[int, ...], *, at_least: int) -> Found:
        counted = self._count(next(iter(self._criteria), None), COUNTED)
        return Found(sequences=found, total=max(min(counted, COUNTED), at_least), exact=counted <= COUNTED)

    def _among_the_nearest(self, driver: Criterion | None, need: int, most: int) -> Found | None:
        """Look at so many that fulfil one criterion, the nearest; None when these are neither all nor enough."""
        edge = self._edge(driver, most)
        found = self._looked_at(driver, () if edge is None else (edge,))
        if edge is None:
            return _all_of(found)
        return Found(sequences=found, total=len(found), exact=False) if len(found) >= need else None

    def _by_words_or_index(self, need: int) -> Found:
        """Find what is rare, or lies behind much that is not it."""
        found = self._along_index(need) if self._words is None else self._by_words(need)
        return Found(sequences=found, total=len(found), exact=len(found) < need)

    def _along_index(self, need: int) -> tuple[int, ...]:
        """Go along the index of the first criterion, value by value, or along the feed."""
        driver = next(iter(self._indexed), None)
        found: tuple[int, ...] = ()
        for part in driver.parts if driver else (sa.true(),):
            nearer = (
                (self._nearer(found[-1]),) if len(found) == need else ()
            )  # what lies behind enough is not looked for
            query = self._within(part, *self._others(driver), *nearer)
            more = self._connection.execute(query.order_by(self._order(_SEQUENCE)).limit(need)).scalars()
            found = self._sorted((*found, *more))[:need]
        return found

    def _by_words(self, need: int) -> tuple[int, ...]:
        found = event_search.matching(
            self._words or (), tuple(self._others(None)), dialect=self._dialect, before=self._before, after=self._after
        )
        query = sa.select(found.c.sequence).order_by(self._order(found.c.sequence)).limit(need)
        return tuple(self._connection.execute(query).scalars())

    def _looked_at(self, driver: Criterion | None, edges: Iterable[sa.ColumnElement[bool]] = ()) -> tuple[int, ...]:
        """Return all that fulfil everything, looking at each that fulfils one criterion within edges."""
        words = event_search.in_row(self._words or (), self._dialect)
        conditions = (*self._others(driver), *words)
        if driver is None:
            query = self._within(*conditions, *edges)
        elif self._dialect == "sqlite":
            query = self._within(driver.whole, *conditions, *edges)
        else:  # a plan of its own would go along the feed: entries that are close together look cheap to it
            mine = self._within(driver.whole, *edges).scalar_subquery()
            query = sa.select(_SEQUENCE).where(sa.any_(sa.func.array(mine)) == _SEQUENCE, *conditions)
        return self._sorted(self._connection.execute(query).scalars())

    def _met(self, driver: Criterion) -> tuple[int, ...]:
        """Do the same for few entries by indexes alone: the entries themselves lie all over the database."""
        others = (self._in_index_of(one) for one in self._criteria if one is not driver)
        return self._sorted(self._connection.execute(self._within(driver.whole, *others)).scalars())

    def _in_index_of(self, criterion: Criterion) -> sa.ColumnElement[bool]:
        there = DEPLOYMENT_EVENTS.alias("there")
        met = sa.select(there.c.sequence).where(
            there.c.sequence == _SEQUENCE, there.c[criterion.column].in_(criterion.values)
        )
        return sa.exists(met)

    @property
    def _one_index(self) -> bool:
        """One criterion at most, whose index has the order already."""
        return self._words is None and len(self._criteria) <= 1 and len(self._indexed) == len(self._criteria)

    @property
    def _rows_needed(self) -> bool:
        return self._words is not None or len(self._indexed) < len(self._criteria) or self._dialect != "sqlite"

    @property
    def _few(self) -> int:
        return FEW if self._dialect == "sqlite" else FEW * 2 // 5

    def _edge(self, driver: Criterion | None, most: int) -> sa.ColumnElement[bool] | None:
        """Return a condition: among so many of a criterion, or of the feed, the nearest; None when these are all."""
        if driver is None:
            return self._edge_of_feed(most)
        query = self._within(driver.whole).order_by(self._order(_SEQUENCE)).offset(most).limit(1)
        found = self._connection.execute(query).scalar_one_or_none()
        return None if found is None else self._nearer(found)

    def _edge_of_feed(self, most: int) -> sa.ColumnElement[bool] | None:
        """Sequences have few gaps but at their old end, so that no more than these lie there."""
        ends = sa.select(sa.func.min(_SEQUENCE)), sa.select(sa.func.max(_SEQUENCE))
        oldest, newest = (self._connection.execute(query).scalar_one() or 0 for query in ends)
        low, high = max(oldest - 1, self._after or 0), min(newest + 1, self._before or newest + 1)
        if high - low - 1 <= most:
            return None
        return self._nearer(high - 1 - most if self._newest_first else low + 1 + most)

    def _nearer(self, sequence: int) -> sa.ColumnElement[bool]:
        return sa.literal(sequence) < _SEQUENCE if self._newest_first else sa.literal(sequence) > _SEQUENCE

    def _count(self, criterion: Criterion | None, most: int) -> int:
        """Return how many fulfil one criterion; one more than `most` when that is exceeded, or more."""
        counted = 0
        for part in criterion.parts if criterion else (sa.true(),):
            some = self._within(part).limit(most + 1).subquery()
            counted += self._connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
            if counted > most:
                break
        return counted

    def _within(self, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Return a query within the bounds."""
        return sa.select(_SEQUENCE).where(*where, *self._bounds)

    def _others(self, driver: Criterion | None) -> Iterator[sa.ColumnElement[bool]]:
        return (one.whole for one in self._criteria if one is not driver)

    def _order(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return column.desc() if self._newest_first else column.asc()

    def _sorted(self, sequences: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(sequences, reverse=self._newest_first))

    @property
    def _indexed(self) -> tuple[Criterion, ...]:
        return tuple(one for one in self._criteria if one.indexed)

    @property
    def _dialect(self) -> str:
        return self._connection.dialect.name


def _all_of(sequences: Sequence[int]) -> Found:
    return Found(sequences=tuple(sequences), total=len(sequences), exact=True)
