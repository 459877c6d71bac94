"""A run's log: Ansible's own output as numbered lines, of which some may never come.

Numbers count from 1 and are given where the lines arise, also to lines that are lost on the way: whoever reads the log
finds a gap, and knows how long it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_LINE = 4_000
"""Characters of one line; the rest is cut off, and said to be."""

MOST_LINES = 20_000
"""Lines of one run that an agent sends; the end of a longer log is in the run's own report."""

MOST_CHARACTERS = 4_000_000
"""Characters of one run that an agent sends."""

LARGEST_NUMBER = 2**31 - 1


_FAILURE = re.compile(r"(?:fatal|failed): \[|ERROR!|\[ERROR\]")
"""What Ansible's own output begins a failure with. Source: ansible-core, plugins/callback/default.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line.

    Attributes:
        number: From 1; after a gap the numbers between were lost.
        text: Redacted, without its line feed.
    """

    number: int
    text: str


def lines_of(text: str) -> tuple[str, ...]:
    """Return the lines of some output, each cut to `LONGEST_LINE`; empty text has none."""
    return tuple(_cut(line) for line in text.rstrip("\n").split("\n")) if text.strip("\n") else ()


def numbered(first: int, texts: Sequence[str]) -> tuple[LogLine, ...]:
    """Return consecutive lines that begin with a number."""
    return tuple(LogLine(number=first + index, text=text) for index, text in enumerate(texts))


def tells_failure(text: str) -> bool:
    """Tell whether a line is where Ansible tells of a failed or unreachable host, or of an error of its own."""
    return _FAILURE.match(text) is not None


def _cut(line: str) -> str:
    left_out = len(line) - LONGEST_LINE
    return line if left_out <= 0 else f"{line[:LONGEST_LINE]}… ({left_out} more characters)"
