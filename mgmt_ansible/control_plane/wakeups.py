"""Waking whoever waits for the database to change, and telling them when to stop.

The database stays the truth: a wake-up only shortens the wait, and another process's change is seen at the next poll.
"""

from __future__ import annotations

import asyncio
import threading

POLL_SECONDS = 1.0


class Wakeups:
    """Lets threads wake coroutines; one for a process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may stop the thread that holds it
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._stopping = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end, so that nobody should wait any longer."""
        return self._stopping.is_set()

    def notify(self) -> None:
        """Wake all who wait; callable from any thread."""
        with self._lock:
            waiting = tuple(self._waiting)
        for loop, woken in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)

    def stop(self) -> None:
        """Wake all who wait, for the last time; callable from a signal handler."""
        self._stopping.set()
        self.notify()

    async def wait(self, seconds: float) -> None:
        """Return at the next wake-up, at the latest after that many seconds; at once when stopping."""
        if self.stopping:
            return
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(entry)
        try:
            await asyncio.wait_for(entry[1].wait(), timeout=max(0.0, seconds))
        except TimeoutError:
            return
        finally:
            with self._lock:
                self._waiting.discard(entry)
