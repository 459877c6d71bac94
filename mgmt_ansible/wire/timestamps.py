"""Times as public clients write them: ISO 8601 with its zone, or with a space and without a zone, which then is UTC.

Seen: `2026-11-22T11:06:17.992Z`, `2026-11-22 11:06:17.992000`, `2026-11-22 11:06:17.992+0000` and `... +0000`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d:\d\d)(?P<part>\.\d{1,9})? ?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


def parse_time(value: object) -> datetime:
    """Return an aware time in UTC.

    Raises:
        ValueError: It is none of the known forms, or no moment of the calendar.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a time such as 2026-11-22T11:06:17Z or 2026-11-22 11:06:17.992000 (UTC)")
    zone = (match["zone"] or "Z").upper()
    try:
        read = datetime.fromisoformat(f"{match['date']}T{match['time']}{(match['part'] or '')[:7]}{zone}")
        return read.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise ValueError("is no moment of the calendar") from exc


VendorTime = Annotated[datetime, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time in a body; without a zone it is UTC."""
