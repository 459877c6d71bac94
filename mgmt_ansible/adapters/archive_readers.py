"""An archive read by a thread of its own: a server that stalls or trickles holds that thread, never who waits for octets."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TypeVar

_LOOK_SECONDS = 0.5
_PIECES_AHEAD = 4

_T = TypeVar("_T")

Look = Callable[[], None]
"""Called at least twice a second while nothing comes, and before each piece; raises to leave."""


class _LeftError(Exception):
    """Nobody waits for the octets any more."""


class ArchiveReader:
    """Reads from `with` to its end; one that is left ends with its next piece, or with its socket's timeout."""

    def __init__(self, open_archive: Callable[[], AbstractContextManager[tuple[int, Iterator[bytes]]]]) -> None:
        """Take what opens the archive: gives the offset of the first octet, and the octets."""
        self._open = open_archive
        self._left = threading.Event()
        self._begin: queue.Queue[int | Exception] = queue.Queue(1)
        self._pieces: queue.Queue[bytes | Exception | None] = queue.Queue(_PIECES_AHEAD)
        self._thread = threading.Thread(target=self._read, name="archive-reader", daemon=True)

    def __enter__(self) -> ArchiveReader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()

    def begin(self, look: Look) -> int:
        """Return the offset of the first octet; raises what the opening or the look raises."""
        found = _wait(self._begin, look)
        if isinstance(found, Exception):
            raise found
        return found

    def pieces(self, look: Look) -> Iterator[bytes]:
        """Return the octets as they come; raises what the reading or the look raises."""
        while (piece := _wait(self._pieces, look)) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def _read(self) -> None:
        try:
            with self._open() as (begin, pieces):
                self._begin.put(begin)
                for piece in pieces:
                    self._hand_over(piece)
            self._hand_over(None)
        except _LeftError:
            return
        except Exception as exc:  # noqa: BLE001 - the thread's own edge: who waits raises it
            self._fail(exc)

    def _fail(self, exc: Exception) -> None:
        with suppress(queue.Full):
            self._begin.put_nowait(exc)
        with suppress(_LeftError):
            self._hand_over(exc)

    def _hand_over(self, piece: bytes | Exception | None) -> None:
        while not self._left.is_set():
            try:
                return self._pieces.put(piece, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
        raise _LeftError


def _wait(waiting: queue.Queue[_T], look: Look) -> _T:
    while True:
        look()
        try:
            return waiting.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            continue
