"""Removing what retention lets go: short writes with pauses between them.

A writer waits for one of these writes at most, so each aims at a fiftieth of a second, by its number of rows. What a write adds
to SQLite's log is brought into the file at once, in a turn of its own: a commit that meets a long log would do it all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, assert_never

from mgmt_ansible.control_plane.looking import Ages, Judged, Kind, look
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.domain.retention import Protection, RetentionRules
from mgmt_ansible.wire import retention as shapes

AIM_SECONDS = 0.02
_LEAST = 100
"""Rows or pages of a write, however slow the disk is: less would not make its commit shorter."""
_LONGEST_PAUSE_SECONDS = 0.2


_Done = TypeVar("_Done")


class Tally:
    """Counts what goes, and what is saved although it is old."""

    def __init__(self) -> None:
        self.places: Counter[tuple[str, Kind]] = Counter()
        self._policies: Counter[tuple[str, Kind]] = Counter()
        self._saved: Counter[tuple[str, Kind]] = Counter()
        self._stored_at: list[datetime] = []

    def add_saved(self, kind: Kind, judged: Sequence[Judged]) -> None:
        """Count those that a protection saves."""
        for one in judged:
            if one.judgement.old and one.judgement.protection is not None:
                self._saved[one.judgement.protection, kind] += 1

    def add_gone(self, kind: Kind, judged: Sequence[Judged]) -> None:
        """Count those that go."""
        for one in judged:
            self._policies[one.judgement.policy, kind] += 1
            self.places[one.thing.environment_id, kind] += 1
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


class Pruner:
    """Removes what goes.

    Args:
        store: Where from.
        rules: By which it is judged; when people decide otherwise meanwhile, it ends.
        ages: What is known of the feed already.
        stop: Asked before each write.
        seconds: How long it may go on after its first write; None is no limit.
    """

    def __init__(
        self, store: Store, rules: RetentionRules, ages: Ages, *, stop: Callable[[], bool], seconds: float | None
    ) -> None:
        self.tally = Tally()
        self._store = store
        self._rules = rules
        self._ages = ages
        self._stop = stop
        self._seconds = seconds
        self._began_at: float | None = None

    def run(self) -> bool:
        """Remove all that goes, and give its space back; False when it ended before that.

        Raises:
            StoreError: What was removed before is in the tally.
        """
        pace = _Pace(first=100, most=500)
        going: list[Judged] = []
        for batch in look(self._store, self._rules, self._ages):
            self.tally.add_saved(batch.kind, batch.judged)
            going += [one for one in batch.judged if one.judgement.removable]
            while len(going) >= pace.size or (going and batch.last):
                chunk, going = going[: pace.size], going[pace.size :]
                if self._ends() or not self._remove(batch.kind, chunk, pace):
                    return False
            if self._stop():
                return False
        return self._give_back(_Pace(first=64, most=1_024))

    def _remove(self, kind: Kind, going: Sequence[Judged], pace: _Pace) -> bool:
        def removed(tx: Transaction) -> frozenset[int] | None:
            same = tx.retention.rules() == self._rules
            return _removed(tx, kind, [one.thing.sequence for one in going]) if same else None

        gone = self._write(removed, pace)
        if gone is None:
            return False
        self.tally.add_gone(kind, [one for one in going if one.thing.sequence in gone])
        return True

    def _give_back(self, pace: _Pace) -> bool:
        while not self._ends():
            if not self._write(lambda tx: tx.pruning.give_back(pace.size), pace):
                return True
        return False

    def _write(self, work: Callable[[Transaction], _Done], pace: _Pace) -> _Done:
        """Write, and bring that into the file, each in a turn of its own, after which the others have as long."""
        with self._store.write() as tx:
            began_at = time.monotonic()
            done = work(tx)
        wrote = time.monotonic() - began_at
        _pause(wrote)
        moved = self._store.checkpoint()
        _pause(moved)
        pace.adapt(max(wrote, moved))
        return done

    def _ends(self) -> bool:
        if self._began_at is None:
            self._began_at = time.monotonic()
            return self._stop()
        late = self._seconds is not None and time.monotonic() - self._began_at > self._seconds
        return late or self._stop()


class _Pace:
    """How much a write takes: as much as takes `AIM_SECONDS`.

    Attributes:
        size: Of the next write: rows, or pages.
    """

    def __init__(self, *, first: int, most: int) -> None:
        self.size = first
        self._most = most

    def adapt(self, seconds: float) -> None:
        """Learn how long the last one held up the others."""
        change = min(2.0, max(0.5, AIM_SECONDS / max(seconds, 1e-6)))
        self.size = max(_LEAST, min(self._most, int(self.size * change)))


def _pause(seconds: float) -> None:
    time.sleep(min(seconds, _LONGEST_PAUSE_SECONDS))


def _removed(tx: Transaction, kind: Kind, sequences: Sequence[int]) -> frozenset[int]:
    """Remove things of one kind; return the sequences of those that were there."""
    match kind:
        case Kind.ENTRIES:
            return tx.pruning.remove_entries(sequences)
        case Kind.RUNS:
            return tx.pruning.remove_runs(sequences)
        case _:
            assert_never(kind)


def _count(name: str, counts: Counter[tuple[str, Kind]]) -> shapes.RetentionCount:
    return shapes.RetentionCount(name=name, entries=counts[name, Kind.ENTRIES], runs=counts[name, Kind.RUNS])
