"""Durations: as ISO 8601 writes them, such as `PT1H` or `P1DT12H`, and as people read them."""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=366)
_PATTERN = re.compile(
    r"P(?:(?P<weeks>\d{1,3})W|(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,8})S)?)?)"
)


def parse_duration(text: str) -> timedelta:
    """Return a duration of one second to 366 days.

    Raises:
        ValueError: It is none; years and months are refused too, as they have no one length.
    """
    found = _PATTERN.fullmatch(text) if text.isascii() else None
    parts = {name: int(value) for name, value in found.groupdict().items() if value} if found else {}
    duration = timedelta(**parts)
    if not timedelta(seconds=1) <= duration <= LONGEST:
        raise ValueError("is no duration of weeks, days, hours, minutes and seconds from PT1S to P366D, such as PT1H")
    return duration


def in_words(seconds: float) -> str:
    """Return seconds as people read them: `4 ms`, `0.35 s`, `12.1 s`; what is too short to measure is under a millisecond."""
    if seconds < 0.001:  # noqa: PLR2004
        return "under 1 ms"
    if seconds < 0.1:  # noqa: PLR2004
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004
