"""Where in the feed an hour is: the feed's order is the sequence, while people ask for times.

Mostly an entry is stored soon after it happened, so that an hour's entries lie close together; what was told late, or by a clock
that is wrong, only makes its hour wider.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENT_HOURS

_HOURS = DEPLOYMENT_EVENT_HOURS.c
_SECONDS = 3_600
_END = 2**62
"""Behind every sequence."""

_ADD = sa.text(
    """
    INSERT INTO deployment_event_hours (hour, oldest, newest) VALUES (:hour, :oldest, :newest)
    ON CONFLICT (hour) DO UPDATE SET newest = excluded.newest
    """
)

_OF_ENTRY = {
    "sqlite": "(CAST(strftime('%s', occurred_at) AS INTEGER) + 36000000000) / 3600 - 10000000",
    "postgresql": "CAST(floor(extract(epoch FROM occurred_at) / 3600) AS BIGINT)",
}
"""Dialect -> an entry's hour, rounded down also before 1970."""


def add(connection: sa.Connection, times: Iterable[datetime], *, oldest: int, newest: int) -> None:
    """Note entries that were added just now.

    Args:
        connection: Of the transaction that added them.
        times: When they happened; aware.
        oldest: No sequence of theirs is lower.
        newest: No sequence of theirs is higher, nor any other's.
    """
    rows = [{"hour": hour, "oldest": oldest, "newest": newest} for hour in sorted({_hour(time) for time in times})]
    connection.execute(_ADD, rows)


def after(connection: sa.Connection, since: datetime) -> int:
    """Return a sequence behind which everything lies that happened at that time or later."""
    query = sa.select(sa.func.min(_HOURS.oldest)).where(_HOURS.hour >= _hour(since))
    found: int | None = connection.execute(query).scalar_one()
    return _END if found is None else found - 1


def before(connection: sa.Connection, until: datetime) -> int:
    """Return a sequence before which everything lies that happened before that time."""
    query = sa.select(sa.func.max(_HOURS.newest)).where(_HOURS.hour <= _hour(until))
    found: int | None = connection.execute(query).scalar_one()
    return 0 if found is None else found + 1


def note_all(connection: sa.Connection) -> None:
    """Note a whole feed of which nothing is noted yet."""
    hour = _OF_ENTRY[connection.dialect.name]
    connection.execute(
        sa.text(
            "INSERT INTO deployment_event_hours (hour, oldest, newest)"  # noqa: S608 - texts of ours
            f" SELECT {hour}, min(sequence), max(sequence) FROM deployment_events GROUP BY 1"
        )
    )


def _hour(time: datetime) -> int:
    return int(time.astimezone(UTC).timestamp() // _SECONDS)
