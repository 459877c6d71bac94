"""How long responses took, by deployment, source and hour; an hour in which nothing was measured has no row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.deployment_tables import RESPONSE_HOURS
from mgmt_ansible.domain.responses import Responses, ResponseSource

_SECONDS = 3_600
_COLUMNS = RESPONSE_HOURS.c
_HOURS_TOGETHER = 24


class ResponseHour(NamedTuple):
    """Whose responses of which hour."""

    deployment_id: str
    source: ResponseSource
    hour: datetime


_ADD = sa.text(
    """
    INSERT INTO response_hours
      (deployment_id, source, hour, asked, failed, user_errors, timed, milliseconds, fastest, slowest)
    VALUES (:deployment_id, :source, :hour, :asked, :failed, :user_errors, :timed, :milliseconds, :fastest, :slowest)
    ON CONFLICT (deployment_id, source, hour) DO UPDATE SET
      asked = response_hours.asked + excluded.asked,
      failed = response_hours.failed + excluded.failed,
      user_errors = response_hours.user_errors + excluded.user_errors,
      timed = response_hours.timed + excluded.timed,
      milliseconds = response_hours.milliseconds + excluded.milliseconds,
      fastest = CASE WHEN response_hours.fastest <= excluded.fastest OR excluded.fastest IS NULL
        THEN response_hours.fastest ELSE excluded.fastest END,
      slowest = CASE WHEN response_hours.slowest >= excluded.slowest OR excluded.slowest IS NULL
        THEN response_hours.slowest ELSE excluded.slowest END
    """
).bindparams(
    sa.bindparam("fastest", type_=sa.Float),
    sa.bindparam("slowest", type_=sa.Float),
    sa.bindparam("milliseconds", type_=sa.Float),
)


class ResponseRows:
    """Hours of responses in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, measured: Mapping[ResponseHour, Responses]) -> None:
        """Add to hours, in an order that lets two writers not wait for each other in a circle."""
        if measured:
            self._connection.execute(_ADD, [_row(key, measured[key]) for key in sorted(measured)])

    def of(self, deployment_id: str, source: ResponseSource, *, since: datetime) -> dict[datetime, Responses]:
        """Return the hours of a deployment from a time on: beginning (UTC) -> responses, oldest first."""
        query = RESPONSE_HOURS.select().where(
            _COLUMNS.deployment_id == deployment_id, _COLUMNS.source == source.value, _COLUMNS.hour >= _number(since)
        )
        found = self._connection.execute(query.order_by(_COLUMNS.hour))
        return {datetime.fromtimestamp(row.hour * _SECONDS, UTC): _responses(row) for row in found}

    def prune(self, horizon: datetime) -> bool:
        """Remove a day's hours, the oldest ones that ended before a time; False when there was none."""
        end = _number(horizon)
        oldest: int | None = self._connection.execute(sa.select(sa.func.min(_COLUMNS.hour))).scalar_one()
        if oldest is None or oldest >= end:
            return False
        until = min(oldest + _HOURS_TOGETHER, end)
        self._connection.execute(RESPONSE_HOURS.delete().where(_COLUMNS.hour < until))
        return True


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // _SECONDS)


def _row(key: ResponseHour, responses: Responses) -> dict[str, object]:
    return {
        "deployment_id": key.deployment_id,
        "source": key.source.value,
        "hour": _number(key.hour),
        "asked": responses.asked,
        "failed": responses.failed,
        "user_errors": responses.user_errors,
        "timed": responses.timed,
        "milliseconds": responses.milliseconds,
        "fastest": responses.fastest,
        "slowest": responses.slowest,
    }


def _responses(row: sa.Row[tuple[object, ...]]) -> Responses:
    return Responses(
        asked=row.asked,
        failed=row.failed,
        user_errors=row.user_errors,
        timed=row.timed,
        milliseconds=row.milliseconds,
        fastest=row.fastest,
        slowest=row.slowest,
    )
