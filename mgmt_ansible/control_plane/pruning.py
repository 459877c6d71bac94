"""Looking at all that retention may remove, and removing it: short writes with pauses between them.

A writer waits for one of these writes at most, so each aims at a hundredth of a second, by its number of rows. What a write adds
to SQLite's log is brought into the file at once, in a turn of its own: a commit that meets a long log would do it all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar, assert_never

from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.domain.retention import Judge, Judgement, KeptEntry, KeptRun, Protection, RetentionRules
from mgmt_ansible.wire import retention as shapes

AIM_SECONDS = 0.01
_BATCH = 500
_LEAST = 25
"""Rows or pages of a write, however slow the disk is: less would not make its commit shorter."""
_LONGEST_PAUSE_SECONDS = 0.2
_BREATH_SECONDS = 0.005
"""Between two batches, for the other threads of this process."""


class Kind(StrEnum):
    """What is removed."""

    ENTRIES = "entries"
    RUNS = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An entry or a run with what is to become of it."""

    kind: Kind
    thing: KeptEntry | KeptRun
    judgement: Judgement


class Tally:
    """Counts what goes, and what is saved although it is old."""

    def __init__(self) -> None:
        self.places: Counter[tuple[str, Kind]] = Counter()
        self._policies: Counter[tuple[str, Kind]] = Counter()
        self._saved: Counter[tuple[str, Kind]] = Counter()
        self._stored_at: list[datetime] = []

    def add_saved(self, judged: Sequence[Judged]) -> None:
        """Count those that a protection saves."""
        for one in judged:
            if one.judgement.old and one.judgement.protection is not None:
                self._saved[one.judgement.protection, one.kind] += 1

    def add_gone(self, judged: Sequence[Judged]) -> None:
        """Count those that go."""
        for one in judged:
            self._policies[one.judgement.policy, one.kind] += 1
            self.places[one.thing.environment_id, one.kind] += 1
        times = [*self._stored_at, *(one.thing.stored_at for one in judged)]
        self._stored_at = [min(times), max(times)] if times else []

    def of(self, kind: Kind) -> int:
        """Return how many of a kind go."""
        return sum(count for (_, counted), count in self.places.items() if counted is kind)

    def report(self, rules: RetentionRules, *, pruned: bool, complete: bool) -> shapes.RetentionReport:
        """Return all counts; policies and protections without any are there too."""
        policies = [rules.default.name, *(policy.name for policy in rules.policies)]
        return shapes.RetentionReport(
            pruned=pruned,
            complete=complete,
            entries=self.of(Kind.ENTRIES),
            runs=self.of(Kind.RUNS),
            oldest_at=self._stored_at[0] if self._stored_at else None,
            newest_at=self._stored_at[1] if self._stored_at else None,
            policies=[_count(name, self._policies) for name in policies],
            protections=[_count(protection, self._saved) for protection in Protection],
            prediction_environments=[_count(name, self.places) for name in sorted({name for name, _ in self.places})],
        )


def look(store: Store, rules: RetentionRules) -> Iterator[tuple[Judged, ...]]:
    """Yield all entries, and then all runs, newest first, a batch at a time; no transaction is open between two."""
    with store.read() as tx:
        judge = Judge(tx.pruning.standing(rules, now=tx.now))
    yield from _batches(store, _entries, judge.judge_entry, Kind.ENTRIES)
    yield from _batches(store, _runs, judge.judge_run, Kind.RUNS)


class Pruner:
    """Removes what goes.

    Args:
        store: Where from.
        rules: By which it is judged; when people decide otherwise meanwhile, it ends.
        stop: Asked before each write.
        seconds: How long it may go on after its first write; None is no limit.
    """

    def __init__(self, store: Store, rules: RetentionRules, *, stop: Callable[[], bool], seconds: float | None) -> None:
        self.tally = Tally()
        self._store = store
        self._rules = rules
        self._stop = stop
        self._seconds = seconds
        self._began_at: float | None = None

    def run(self) -> bool:
        """Remove all that goes, and give its space back; False when it ended before that.

        Raises:
            StoreError: What was removed before is in the tally.
        """
        pace = _Pace(first=50, most=500)
        for batch in look(self._store, self._rules):
            self.tally.add_saved(batch)
            going = [one for one in batch if one.judgement.removable]
            while going:
                size = pace.size
                if self._ends() or not self._remove(going[:size], pace):
                    return False
                going = going[size:]
            if self._stop():
                return False
        return self._give_back(_Pace(first=64, most=1_024))

    def _remove(self, going: Sequence[Judged], pace: _Pace) -> bool:
        with pace.measured(), self._store.write() as tx:
            if tx.retention.rules() != self._rules:
                return False
            gone = _removed(tx, going)
        self.tally.add_gone([one for one in going if one.thing.sequence in gone])
        with _paused():
            self._store.checkpoint()
        return True

    def _give_back(self, pace: _Pace) -> bool:
        while not self._ends():
            with pace.measured(), self._store.write() as tx:
                given = tx.pruning.give_back(pace.size)
            with _paused():
                self._store.checkpoint()
            if not given:
                return True
        return False

    def _ends(self) -> bool:
        if self._began_at is None:
            self._began_at = time.monotonic()
            return self._stop()
        late = self._seconds is not None and time.monotonic() - self._began_at > self._seconds
        return late or self._stop()


class _Pace:
    """How much a write takes: as much as takes `AIM_SECONDS`; after it the others have as long.

    Attributes:
        size: Of the next write: rows, or pages.
    """

    def __init__(self, *, first: int, most: int) -> None:
        self.size = first
        self._most = most

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure a write, and pause after it."""
        began_at = time.monotonic()
        with _paused():
            yield
            took = time.monotonic() - began_at
        change = min(2.0, max(0.5, AIM_SECONDS / max(took, 1e-6)))
        self.size = max(_LEAST, min(self._most, int(self.size * change)))


@contextmanager
def _paused() -> Iterator[None]:
    """Give the others as long as something took."""
    began_at = time.monotonic()
    yield
    time.sleep(min(time.monotonic() - began_at, _LONGEST_PAUSE_SECONDS))


_One = TypeVar("_One", KeptEntry, KeptRun)


def _batches(
    store: Store,
    read: Callable[[Transaction, int | None], Sequence[_One]],
    judge: Callable[[_One], Judgement],
    kind: Kind,
) -> Iterator[tuple[Judged, ...]]:
    before: int | None = None
    while True:
        with store.read() as tx:
            found = read(tx, before)
        yield tuple(Judged(kind=kind, thing=one, judgement=judge(one)) for one in found)
        if len(found) < _BATCH:
            return
        before = found[-1].sequence
        time.sleep(_BREATH_SECONDS)


def _entries(tx: Transaction, before: int | None) -> Sequence[KeptEntry]:
    return tx.pruning.entries(before=before, limit=_BATCH)


def _runs(tx: Transaction, before: int | None) -> Sequence[KeptRun]:
    return tx.pruning.runs(before=before, limit=_BATCH)


def _removed(tx: Transaction, going: Sequence[Judged]) -> frozenset[int]:
    """Remove things of one kind; return the sequences of those that were there."""
    sequences = [one.thing.sequence for one in going]
    match going[0].kind:
        case Kind.ENTRIES:
            return tx.pruning.remove_entries(sequences)
        case Kind.RUNS:
            return tx.pruning.remove_runs(sequences)
        case _:
            assert_never(going[0].kind)


def _count(name: str, counts: Counter[tuple[str, Kind]]) -> shapes.RetentionCount:
    return shapes.RetentionCount(name=name, entries=counts[name, Kind.ENTRIES], runs=counts[name, Kind.RUNS])
