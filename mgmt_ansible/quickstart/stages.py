"""Telling people what is going on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_ERASE_LINE = "\r\x1b[K"
_WIDTH = 100

Tell = Callable[[str], None]
"""Called with what a stage is doing right now."""


class Stages:
    """Prints a line a stage, with its seconds."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to a stream; None means standard output."""
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()

    @contextmanager
    def stage(self, title: str) -> Iterator[Tell]:
        """Time a stage; what it tells is shown behind the title.

        Args:
            title: What is done, without a full stop.
        """
        began, last = time.monotonic(), ""

        def tell(detail: str) -> None:
            nonlocal last
            if self._live:
                self._write(f"{_ERASE_LINE}  … {title}: {detail}"[:_WIDTH])
            elif detail != last:
                self._write(f"  - {title}: {detail}\n")
            last = detail

        self._write(f"  … {title}" if self._live else f"  - {title}\n")
        try:
            yield tell
        except BaseException:
            self._write(f"{_ERASE_LINE}  ✖ {title}\n" if self._live else f"  - {title}: not done\n")
            raise
        seconds = time.monotonic() - began
        sign, start = ("✔", _ERASE_LINE) if self._live else ("-", "")
        self._write(f"{start}  {sign} {title}: {seconds:.1f} s\n")

    def say(self, text: str = "") -> None:
        """Print lines."""
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
