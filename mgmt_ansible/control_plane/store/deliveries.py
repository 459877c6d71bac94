"""Deliveries of notifications: who is to be told what, how often that was tried, and what came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.notification_records import (
    ChannelRecord,
    DeliveryStatus,
    Due,
    NewDelivery,
    Result,
)
from mgmt_ansible.control_plane.store.notification_tables import CHANNELS, DELIVERIES, POLICIES
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import Notice
from mgmt_ansible.domain.notifications import Verdict
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes

_COLUMNS = DELIVERIES.c
_PENDING = _COLUMNS.status == DeliveryStatus.PENDING


class DeliveryRows:
    """Deliveries in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, deliveries: Iterable[NewDelivery], *, now: datetime) -> None:
        """Add some; ConflictError when an entry was told by its policy already."""
        rows = [_values(delivery, now) for delivery in deliveries]
        if rows:
            self._connection.execute(DELIVERIES.insert(), rows)

    def promote(self, once: str, *, verdict: Verdict, held: int, now: datetime) -> None:
        """Let a held one be sent after all; it counts the others that were held."""
        row = self._connection.execute(DELIVERIES.select().where(_COLUMNS.once == once)).one_or_none()
        if row is None or row.status != DeliveryStatus.HELD:
            return
        notice = {**row.notice, "verdict": verdict.value, "held": held}
        values = {"status": DeliveryStatus.PENDING.value, "next_try_at": now, "notice": notice, "reason": ""}
        self._connection.execute(
            DELIVERIES.update().where(_COLUMNS.id == row.id).values(verdict=verdict.value, **values)
        )

    def due_channels(self, *, now: datetime) -> tuple[tuple[str, bool], ...]:
        """Return channels that have something to send now, the longest waiting first, each with whether its last try failed."""
        query = (
            sa.select(_COLUMNS.channel_id, CHANNELS.c.failures)
            .join(CHANNELS, CHANNELS.c.id == _COLUMNS.channel_id)
            .where(_PENDING, _COLUMNS.next_try_at <= now, _is_free(now), _has_resumed(now))
            .group_by(_COLUMNS.channel_id, CHANNELS.c.failures)
            .order_by(sa.func.min(_COLUMNS.next_try_at), _COLUMNS.channel_id)
        )
        return tuple((row.channel_id, row.failures > 0) for row in self._connection.execute(query))

    def take(self, channel_id: str, *, now: datetime, lease: timedelta) -> Due | None:
        """Take what a channel is to send next; nobody else does while the lease holds.

        Of one deployment the entries go in their order; of several deployments what was tried least goes first, so that one that
        always fails does not hold up the others.
        """
        older = DELIVERIES.alias()
        waits_for_older = sa.exists().where(
            older.c.channel_id == channel_id,
            older.c.status == DeliveryStatus.PENDING,
            older.c.subject == _COLUMNS.subject,
            older.c.sequence < _COLUMNS.sequence,
        )
        query = (
            sa.select(DELIVERIES)
            .join(CHANNELS, CHANNELS.c.id == _COLUMNS.channel_id)
            .where(_COLUMNS.channel_id == channel_id, _PENDING, _COLUMNS.next_try_at <= now, _is_free(now))
            .where(_has_resumed(now), ~waits_for_older)
            .order_by(_COLUMNS.tries, _COLUMNS.sequence)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        taken = {"sending_until": now + lease, "tries": row.tries + 1}
        self._connection.execute(DELIVERIES.update().where(_COLUMNS.id == row.id).values(**taken))
        return Due(
            id=row.id,
            policy_id=row.policy_id,
            notice=_notice(row.notice),
            tries=row.tries + 1,
            created_at=row.created_at,
        )

    def channel(self, channel_id: str) -> ChannelRecord:
        """Return a channel as the sender needs it; NotFoundError."""
        row = self._connection.execute(CHANNELS.select().where(CHANNELS.c.id == channel_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"notification channel {channel_id} does not exist")
        return ChannelRecord(
            id=row.id, name=row.name, type=row.type, shown=row.shown, sealed=row.sealed, failures=row.failures
        )

    def finish(
        self, due: Due, result: Result, status: DeliveryStatus, *, again_at: datetime | None, now: datetime
    ) -> None:
        """Record how a try ended."""
        values = {
            "status": status.value,
            "reason": "" if result.delivered else result.text,
            "next_try_at": again_at,
            "sending_until": None,
            "finished_at": None if status is DeliveryStatus.PENDING else now,
            "response_code": result.code,
            "response_text": result.text,
        }
        self._connection.execute(DELIVERIES.update().where(_COLUMNS.id == due.id).values(**values))

    def mark_channel(
        self, channel_id: str, *, failures: int, resume_at: datetime | None, trouble: str, delivered_at: datetime | None
    ) -> None:
        """Record whether a channel works; times are aware."""
        values: dict[str, object] = {"failures": failures, "resume_at": resume_at, "trouble": trouble}
        if delivered_at is not None:
            values["last_notification_at"] = delivered_at
        self._connection.execute(CHANNELS.update().where(CHANNELS.c.id == channel_id).values(**values))

    def list(
        self,
        *,
        channel_id: str | None,
        policy_id: str | None,
        deployment_id: str | None,
        status: DeliveryStatus | None,
        limit: int,
        offset: int,
    ) -> api_v2.Page[shapes.NotificationLog]:
        """Return deliveries, newest first."""
        asked = {"channel_id": channel_id, "policy_id": policy_id, "deployment_id": deployment_id, "status": status}
        query = _with_names().order_by(_COLUMNS.sequence.desc())
        query = query.where(*(_COLUMNS[name] == value for name, value in asked.items() if value is not None))
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def get(self, delivery_id: str) -> shapes.NotificationLog:
        """Return one; NotFoundError."""
        row = self._connection.execute(_with_names().where(_COLUMNS.id == delivery_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"notification {delivery_id} does not exist")
        return _to_wire(row)

    def notice(self, delivery_id: str) -> tuple[Notice, str, str | None, str]:
        """Return what one says, its channel, its policy and its subject; NotFoundError."""
        row = self._connection.execute(DELIVERIES.select().where(_COLUMNS.id == delivery_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"notification {delivery_id} does not exist")
        return _notice(row.notice), row.channel_id, row.policy_id, row.subject

    def counts(self) -> dict[str, int]:
        """Return status -> number of deliveries in the log."""
        query = sa.select(_COLUMNS.status, sa.func.count()).group_by(_COLUMNS.status)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def drop_of_channel(self, channel_id: str, *, reason: str, now: datetime) -> None:
        """End what a channel would still have sent."""
        values = {"status": DeliveryStatus.FAILED.value, "reason": reason, "finished_at": now, "next_try_at": None}
        self._connection.execute(
            DELIVERIES.update().where(_COLUMNS.channel_id == channel_id, _PENDING).values(**values)
        )

    def prune(self, *, before: datetime, limit: int) -> int:
        """Remove ended ones that are older, at most so many; return how many."""
        found = sa.select(_COLUMNS.sequence).where(_COLUMNS.created_at < before, ~_PENDING).limit(limit)
        sequences: Sequence[int] = self._connection.execute(found).scalars().all()
        self._connection.execute(DELIVERIES.delete().where(any_of(_COLUMNS.sequence, sequences)))
        return len(sequences)


def _values(delivery: NewDelivery, now: datetime) -> dict[str, object]:
    notice = delivery.notice
    return {
        "id": notice.id,
        "once": delivery.once,
        "channel_id": delivery.channel_id,
        "policy_id": delivery.policy_id,
        "event_sequence": notice.sequence or None,
        "event_type": notice.event_type,
        "environment_id": notice.environment_id,
        "deployment_id": notice.deployment_id,
        "subject": delivery.subject,
        "verdict": notice.verdict.value,
        "status": delivery.status.value,
        "reason": delivery.reason,
        "notice": _notice_to_json(notice),
        "tries": 0,
        "next_try_at": now if delivery.status is DeliveryStatus.PENDING else None,
        "created_at": now,
        "response_text": "",
        "parent_id": delivery.parent_id,
    }


def _is_free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(_COLUMNS.sending_until.is_(None), _COLUMNS.sending_until <= now)


def _has_resumed(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(CHANNELS.c.resume_at.is_(None), CHANNELS.c.resume_at <= now)


def _with_names() -> sa.Select[Any]:
    return (
        sa.select(DELIVERIES, CHANNELS.c.name.label("channel_name"), POLICIES.c.name.label("policy_name"))
        .outerjoin(CHANNELS, CHANNELS.c.id == _COLUMNS.channel_id)
        .outerjoin(POLICIES, POLICIES.c.id == _COLUMNS.policy_id)
    )


def _notice_to_json(notice: Notice) -> dict[str, object]:
    fields = {name: getattr(notice, name) for name in Notice.__slots__}
    return {**fields, "timestamp": notice.timestamp.isoformat()}


def _notice(values: dict[str, Any]) -> Notice:
    known = {name: values[name] for name in Notice.__slots__ if name in values}
    typed = {
        "verdict": Verdict(values["verdict"]),
        "health": Health(values["health"]),
        "timestamp": datetime.fromisoformat(values["timestamp"]),
    }
    return Notice(**{**known, **typed})


def _to_wire(row: sa.Row[Any]) -> shapes.NotificationLog:
    notice = _notice(row.notice)
    return shapes.NotificationLog(
        id=row.id,
        channel_id=row.channel_id,
        channel_name=row.channel_name,
        policy_id=row.policy_id,
        policy_name=row.policy_name,
        parent_notification_id=row.parent_id,
        event_sequence=row.event_sequence,
        event_type=row.event_type,
        title=notice.title,
        health=notice.health,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        recovered=notice.verdict is Verdict.RECOVERED,
        held_count=notice.held,
        status=row.status,
        message=row.reason,
        retry_count=max(0, row.tries - 1),
        tries=row.tries,
        next_try_at=row.next_try_at,
        timestamp=row.created_at,
        finished_at=row.finished_at,
        request=shapes.NotificationRequest(body=notice.message),
        response=shapes.NotificationResponse(status_code=row.response_code, body=row.response_text),
    )
