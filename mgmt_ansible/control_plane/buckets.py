"""Buckets: how often somebody may do something. Each fills steadily, and an empty one says when to come again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BURST_SECONDS = 10
_MOST_BUCKETS = 10_000
"""So that strangers from ever new addresses fill no memory."""


class Buckets:
    """A bucket for each key; safe to use from several threads.

    Args:
        per_second: How fast a bucket fills.
        most: How much it holds; None is ten seconds' worth.
        monotonic: Tells seconds that never go back.
    """

    def __init__(
        self, per_second: float, *, most: float | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._most = most or max(1.0, per_second * BURST_SECONDS)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> float:
        """Take one; return 0, or after how many seconds there is one again."""
        with self._lock:
            now = self._monotonic()
            level = self._level(key, now)
            taken = level >= 1
            self._keep(key, level - 1 if taken else level, now)
            return 0.0 if taken else (1 - level) / self._per_second

    def give_back(self, key: str) -> None:
        """Put one back that was taken for nothing."""
        with self._lock:
            now = self._monotonic()
            self._keep(key, min(self._most, self._level(key, now) + 1), now)

    def _level(self, key: str, now: float) -> float:
        level, since = self._levels.get(key, (self._most, now))
        return min(self._most, level + (now - since) * self._per_second)

    def _keep(self, key: str, level: float, now: float) -> None:
        """Keep a level; of too many keys the one that was not used for the longest goes: its bucket is the nearest to full."""
        self._levels.pop(key, None)
        self._levels[key] = (level, now)
        if len(self._levels) > _MOST_BUCKETS:
            del self._levels[next(iter(self._levels))]
