"""The way out: no new claims at once, running work gets a grace, then it is canceled."""

from __future__ import annotations

import threading
from types import TracebackType

from mgmt_ansible.ports import Clock


class Shutdown:
    """Tells whether the agent should stop, and whether the grace of running work is over."""

    def __init__(self, stop: threading.Event, clock: Clock, *, grace_seconds: float) -> None:
        """Take the event that asks to stop; the grace begins when it is first seen set."""
        self._stop = stop
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._seen_at: float | None = None

    @property
    def asked(self) -> bool:
        """Whether the agent should claim no more."""
        return self._stop.is_set()

    def wait(self) -> None:
        """Block until the agent is asked to stop."""
        self._stop.wait()

    @property
    def grace_is_over(self) -> bool:
        """Whether running work should end now."""
        if not self._stop.is_set():
            return False
        with self._lock:
            if self._seen_at is None:
                self._seen_at = self._clock.monotonic()
            return self._clock.monotonic() - self._seen_at >= self._grace_seconds


class Ongoing:
    """Counts what is under way: a `with` a piece of work."""

    def __init__(self) -> None:
        """Start at none."""
        self._changed = threading.Condition()
        self._count = 0

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    @property
    def any(self) -> bool:
        """Whether something is under way."""
        return self._count > 0

    def wait_until_none(self) -> None:
        """Block until nothing is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0)
