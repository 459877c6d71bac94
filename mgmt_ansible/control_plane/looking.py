"""Looking at what retention may remove: at all that may be old, and of the rest only at what decides about it.

Everything is read in small pieces, with breaths between them for the other threads of this process; no transaction is open
during a breath, and none of them writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.flapping import REMEMBERED
from mgmt_ansible.domain.judging import Hosts, Judge, Newer, Place, hosts_of, place_of
from mgmt_ansible.domain.retention import Judgement, KeptEntry, KeptRun, RetentionRules, Standing

BATCH = 200
BLOCK = 10_000
"""Sequences that the database goes through at once, by itself."""
_FIRST_WINDOW, _LARGEST_WINDOW, _GROWTH = 2_000, 40_000, 4
"""Sequences in which newer entries of a place are looked for at once."""
_SLICE_SECONDS, _BREATH_SECONDS = 0.002, 0.002
"""A request takes Python's lock some twenty times; each time it waits for a slice at most."""


class Kind(StrEnum):
    """What is removed."""

    ENTRIES = "entries"
    RUNS = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An entry or a run with what is to become of it."""

    thing: KeptEntry | KeptRun
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some of a kind, newest first; may be empty.

    Attributes:
        last: No other of this kind comes.
    """

    kind: Kind
    judged: Sequence[Judged]
    last: bool


class Breath:
    """Lets the other threads of this process go on, each time that the thread which calls it has computed for a slice."""

    def __init__(self) -> None:
        self._from = time.thread_time()

    def take(self) -> None:
        """Sleep, when it is time to."""
        if time.thread_time() - self._from >= _SLICE_SECONDS:
            time.sleep(_BREATH_SECONDS)
            self._from = time.thread_time()


class Ages:
    """Remembers when the oldest entry of each block of the feed was stored, as no entry ever changes.

    Args:
        block: How many sequences.
    """

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._oldest: dict[int, datetime | None] = {}

    def newest_before(self, store: Store, horizon: datetime) -> int:
        """Return a sequence behind which no entry was stored before a time; 0 when none was at all."""
        with store.read() as tx:
            newest = tx.deployment_events.newest_sequence()
        for block in range(newest // self._block, -1, -1):
            after, until = block * self._block - 1, (block + 1) * self._block - 1
            oldest = self._oldest_of(store, block, after=after, until=until, whole=until <= newest)
            if oldest is not None and oldest < horizon:
                with store.read() as tx:
                    found = tx.pruning.newest_before(horizon, after=after, until=until)
                if found is not None:
                    return found
        return 0

    def _oldest_of(self, store: Store, block: int, *, after: int, until: int, whole: bool) -> datetime | None:
        if block in self._oldest:
            return self._oldest[block]
        with store.read() as tx:
            oldest = tx.pruning.oldest_time(after=after, until=until)
        if whole:
            self._oldest[block] = oldest
        return oldest


def look(store: Store, rules: RetentionRules, ages: Ages) -> Iterator[Batch]:
    """Yield all entries that are old enough for some policy, judged, and then all runs; both newest first."""
    with store.read() as tx:
        standing = tx.pruning.standing(rules, now=tx.now)
    judge = Judge(standing)
    horizon = ages.newest_before(store, standing.horizon)
    newer = _NewerEntries(store, standing, judge, after=horizon)

    breath = Breath()

    def read_entries(before: int | None) -> Sequence[KeptEntry]:
        with store.read() as tx:
            found = tx.pruning.entries(before=horizon + 1 if before is None else before, limit=BATCH)
        breath.take()
        newer.tell(found, breath)
        return found

    def read_runs(before: int | None) -> Sequence[KeptRun]:
        with store.read() as tx:
            return tx.pruning.runs(before=before, limit=BATCH)

    yield from _batches(Kind.ENTRIES, read_entries, judge.judge_entry, breath)
    newer.tell_runs()
    yield from _batches(Kind.RUNS, read_runs, judge.judge_run, breath)


class _NewerEntries:
    """Tells a judge what it must know of entries behind a sequence."""

    def __init__(self, store: Store, standing: Standing, judge: Judge, *, after: int) -> None:
        self._store = store
        self._standing = standing
        self._judge = judge
        self._after = after
        self._places: set[Place] = set()
        with store.read() as tx:
            self._newest = tx.deployment_events.newest_sequence()

    def tell(self, entries: Iterable[KeptEntry], breath: Breath) -> None:
        """Tell what decides about these entries; mostly the next few of their deployment do."""
        unknown = dict(self._judge.unknown(entries))
        self._tell_healths([one for _, one in unknown.keys() - self._places if one is not None])
        self._places |= unknown.keys()
        after, window = self._after, _FIRST_WINDOW
        while unknown and after < self._newest:
            breath.take()
            with self._store.read() as tx:
                found = tx.pruning.entries_of(unknown.keys(), after=after, until=after + window)
            for entry in found:
                self._judge.meet(place_of(entry), Newer(hosts=hosts_of(entry)))
            unknown = _without(unknown, found)
            after, window = after + window, min(window * _GROWTH, _LARGEST_WINDOW)

    def tell_runs(self) -> None:
        """Tell of which runs entries speak; nothing when no run is old."""
        with self._store.read() as tx:
            newest = tx.deployment_events.newest_sequence()
            asked = tx.pruning.has_old_run(self._standing.horizon)
        for after in range(self._after, newest, BLOCK) if asked else ():
            with self._store.read() as tx:
                found = tx.pruning.run_ids(after=after, until=after + BLOCK)
            self._judge.meet_runs(found)

    def _tell_healths(self, deployment_ids: Collection[str]) -> None:
        if not deployment_ids:
            return
        with self._store.read() as tx:
            told = tx.pruning.tellings_of(deployment_ids, after=self._after, limit=REMEMBERED)
            for deployment_id in deployment_ids:
                since = self._standing.incidents.get(deployment_id)
                passed = since is not None and tx.pruning.passed(deployment_id, since, after=self._after)
                newer = Newer(told=told.get(deployment_id, 0), passed=passed)
                self._judge.meet((None, deployment_id), newer)


def _without(unknown: Mapping[Place, Hosts], found: Iterable[KeptEntry]) -> dict[Place, Hosts]:
    left = dict(unknown)
    for entry in found:
        place = place_of(entry)
        left[place] = left.get(place, frozenset()) - hosts_of(entry)
    return {place: hosts for place, hosts in left.items() if hosts}


_One = TypeVar("_One", KeptEntry, KeptRun)


def _batches(
    kind: Kind, read: Callable[[int | None], Sequence[_One]], judge: Callable[[_One], Judgement], breath: Breath
) -> Iterator[Batch]:
    before, last = None, False
    while not last:
        found = read(before)
        before, last = found[-1].sequence if found else None, len(found) < BATCH
        yield Batch(kind=kind, judged=[Judged(thing=one, judgement=judge(one)) for one in found], last=last)
        breath.take()
