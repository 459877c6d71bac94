"""Moments as people type them: a time with its zone, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mgmt_ansible import errors

_AGO = re.compile(r"([0-9]{1,6})(min|h|d|w)")
_UNITS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_moment(option: str, typed: str, *, now: datetime) -> datetime:
    """Return the aware moment that somebody typed: `90min`, `12h`, `7d`, `2w` ago, or ISO 8601, in UTC without a zone.

    Args:
        option: Named in the error.
        typed: What was typed.
        now: What `ago` counts from; aware.

    Raises:
        InvalidRequestError: It is no moment, or before the year 1.
    """
    try:
        if ago := _AGO.fullmatch(typed):
            return now - int(ago[1]) * _UNITS[ago[2]]
        moment = datetime.fromisoformat(typed)
    except (ValueError, OverflowError) as exc:
        raise errors.InvalidRequestError(
            f"{option}: {typed!r} is no time. Next: type how long ago, such as 90min, 12h, 7d or 2w, "
            "or a time such as 2026-11-26T14:00+01:00 (UTC without a zone)"
        ) from exc
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def parse_moment_ahead(option: str, typed: str, *, now: datetime) -> datetime:
    """Return the aware moment that somebody typed: in `90min`, `12h`, `7d`, `2w`, or as `parse_moment`; arguments and errors too."""
    ahead = _AGO.fullmatch(typed)
    return now + int(ahead[1]) * _UNITS[ahead[2]] if ahead else parse_moment(option, typed, now=now)
