"""One writer of a SQLite file at a time, its checkpoint included, in all processes of ours.

SQLite before 3.51.3 (3.50.7, 3.44.6) can lose what was committed when one connection checkpoints while another commits
and starts the write-ahead log over ("WAL-reset bug", https://sqlite.org/wal.html#walresetbug). `BEGIN IMMEDIATE` does
not exclude that: the automatic checkpoint runs at the end of a commit, after SQLite's own write lock is gone. This lock
is taken before `BEGIN IMMEDIATE` and given back after the commit and its checkpoint, so that the two never meet. Readers
need none: they are `query_only`, so they neither commit nor checkpoint, and a closing connection checkpoints only when it
has the whole file for itself. It is taken whatever the version: one path, tested everywhere, and a fair queue of this
process's writers besides: with a plain lock whoever comes by takes it from those who wait.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mgmt_ansible import errors

_POLL_SECONDS = 0.002


class Queue:
    """A lock that threads get in the order in which they came."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def acquire(self, *, timeout: float) -> bool:
        """Take it; False when it was not to be had for so many seconds."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            return turn.acquire(timeout=timeout) or not self._left(turn)
        except BaseException:  # a signal's, in the main thread
            if not self._left(turn):
                self.release()
            raise

    def release(self) -> None:
        """Hand it over to the next, when there is one."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def _left(self, turn: threading.Lock) -> bool:
        """Leave the queue; False when it was handed over just now."""
        with self._mutex:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


class WriterLock:
    """The lock of one file: a queue in this process, `flock` on `<file>-writer` for the others.

    Args:
        path: Of the database.
        busy_seconds: How long to wait for another writer.
    """

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        self._path = path.with_name(f"{path.name}-writer")
        self._busy_seconds = busy_seconds
        self._here = Queue()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            StoreUnavailableError: Another writer did not end in `busy_seconds`, or the lock's file cannot be opened.
        """
        deadline = time.monotonic() + self._busy_seconds
        if not self._here.acquire(timeout=self._busy_seconds):
            raise _busy(self._busy_seconds)
        try:
            descriptor = self._open()
            try:
                self._lock(descriptor, deadline)
                yield
            finally:
                os.close(descriptor)
        finally:
            self._here.release()

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise errors.StoreUnavailableError(f"{self._path}: cannot be opened: {exc.strerror}") from exc

    def _lock(self, descriptor: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _busy(self._busy_seconds) from None
                time.sleep(_POLL_SECONDS)
            else:
                return


def _busy(seconds: float) -> errors.StoreUnavailableError:
    return errors.StoreUnavailableError(f"the database did not answer: another writer held it for {seconds:g} s")
