"""Spans of time in addresses: so far back from now, or from one instant until another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

WINDOWS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
"""How far back a list may look, as it stands in the address."""

WINDOW_TEXTS = [(name, text) for name, (text, _) in WINDOWS.items()]


def read_time(text: str) -> datetime | None:
    """Return the time in an address, in UTC unless it names another zone; what is no time counts as not chosen."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def begin_of(since: str, within: str, now: datetime) -> datetime | None:
    """Return from when on a list is wanted: `since` wins over `within`, a key of `WINDOWS`."""
    return read_time(since) or (now - WINDOWS[within][1] if within in WINDOWS else None)


def exact_time(text: str) -> str:
    """Return a time of an address as an exact instant: ISO 8601 in UTC; empty for none."""
    found = read_time(text)
    return found.isoformat().replace("+00:00", "Z") if found else ""


def field_time(text: str) -> str:
    """Return it for a field of a form that has no zone (`datetime-local`), in UTC."""
    found = read_time(text)
    return found.strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00") if found else ""
