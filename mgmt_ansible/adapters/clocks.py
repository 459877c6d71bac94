"""The real clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from mgmt_ansible.ports import Clock

_STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's monotonic clock stands still while the machine sleeps, and a claim would look fresh after it."""


class SystemClock:
    """Tells the machine's time; `sleep` ends early when `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        """Take the event that ends sleeping."""
        self._stop = stop

    def now(self) -> datetime:
        """Return the aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, and go on while the machine is suspended where it can tell."""
        return time.clock_gettime(_STEADY)

    def sleep(self, seconds: float) -> None:
        """Block for that long, or until the process is asked to stop."""
        self._stop.wait(max(0.0, seconds))


_conforms: type[Clock] = SystemClock
