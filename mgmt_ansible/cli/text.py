"""Words for people: text from outside made harmless, times, sizes, and the sign of each health."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from mgmt_ansible.domain.health import Health

HEALTH_SIGNS = {
    Health.PASSING: "●",
    Health.WARNING: "▲",
    Health.FAILING: "✖",
    Health.UNKNOWN: "?",
    Health.INFO: "i",
}
"""Health -> a sign of its own, so that colour is never alone."""

HEALTH_STYLES = {
    Health.PASSING: "green",
    Health.WARNING: "yellow",
    Health.FAILING: "bold red",
    Health.UNKNOWN: "bright_black",
    Health.INFO: "bright_black",
}
"""Health -> style of a terminal."""

_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def clean(text: str) -> str:
    """Return one line of text without control characters: it cannot move the cursor, colour or reorder anything."""
    spaced = "".join(" " if character in "\n\r\t\u2028\u2029" else character for character in text)
    return "".join(character for character in spaced if not _is_control(character))


def clean_lines(text: str) -> str:
    """Return text of several lines, each as `clean` makes it."""
    return "\n".join(clean(line) for line in text.splitlines())


def health_word(health: Health) -> str:
    """Return sign and word of a health."""
    return f"{HEALTH_SIGNS[health]} {health.value}"


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """Return how long ago an aware moment was, such as `12 s ago`; `-` for None."""
    if moment is None:
        return "-"
    seconds = max(0, int(((now or datetime.now(UTC)) - moment).total_seconds()))
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def clock(moment: datetime) -> str:
    """Return an aware moment in the local zone, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(count: int) -> str:
    """Return a number of bytes for people, such as `7.8 KiB`."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:  # noqa: PLR2004 - the binary prefix itself
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in _BIDIRECTIONAL
