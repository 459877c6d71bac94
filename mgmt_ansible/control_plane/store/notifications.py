"""What people decided on notifications (channels, policies, mutes), and what each policy remembers of what it told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.notification_records import Remembered
from mgmt_ansible.control_plane.store.notification_tables import CHANNELS, CURSOR, MEMORIES, MUTES, POLICIES
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.domain.durations import parse_duration
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notifications import Memory, Mute, Policy, ScopeType
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes


class NotificationRows:
    """Channels, policies, mutes and memories in one transaction."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_channels(
        self, scope: ScopeType | None, scope_id: str | None, *, limit: int, offset: int
    ) -> api_v2.Page[shapes.NotificationChannel]:
        """Return channels by name, all or those of one thing."""
        query = _channels().order_by(CHANNELS.c.name, CHANNELS.c.id).where(*_of(CHANNELS, scope, scope_id))
        return page_of(self._connection, query, limit=limit, offset=offset, make=_channel_to_wire)

    def get_channel(self, channel_id: str) -> shapes.NotificationChannel:
        """Return one; NotFoundError."""
        row = self._connection.execute(_channels().where(CHANNELS.c.id == channel_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"notification channel {channel_id} does not exist")
        return _channel_to_wire(row)

    def insert_channel(self, values: Mapping[str, object]) -> None:
        """Add one; column -> value."""
        self._connection.execute(CHANNELS.insert().values(failures=0, trouble="", **values))

    def update_channel(self, channel_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        self._connection.execute(CHANNELS.update().where(CHANNELS.c.id == channel_id).values(**values))

    def delete_channel(self, channel_id: str) -> None:
        """Remove one that no policy uses; ConflictError otherwise."""
        self._connection.execute(CHANNELS.delete().where(CHANNELS.c.id == channel_id))

    def list_policies(
        self, scope: ScopeType | None, scope_id: str | None, *, limit: int, offset: int
    ) -> api_v2.Page[shapes.NotificationPolicy]:
        """Return policies by name, all or those of one thing."""
        query = self._policies().order_by(POLICIES.c.name, POLICIES.c.id).where(*_of(POLICIES, scope, scope_id))
        return page_of(self._connection, query, limit=limit, offset=offset, make=_policy_to_wire)

    def get_policy(self, policy_id: str) -> shapes.NotificationPolicy:
        """Return one; NotFoundError."""
        row = self._connection.execute(self._policies().where(POLICIES.c.id == policy_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"notification policy {policy_id} does not exist")
        return _policy_to_wire(row)

    def insert_policy(self, values: Mapping[str, object]) -> None:
        """Add one; column -> value."""
        self._connection.execute(POLICIES.insert().values(**values))

    def update_policy(self, policy_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        self._connection.execute(POLICIES.update().where(POLICIES.c.id == policy_id).values(**values))

    def mark_told(self, policy_ids: Iterable[str]) -> None:
        """Put down that these tell something now."""
        told = any_of(POLICIES.c.id, sorted(policy_ids))
        self._connection.execute(POLICIES.update().where(told).values(last_triggered_at=self._now))

    def forget(self, policy_id: str) -> None:
        """Remove what a policy remembers: it begins afresh."""
        self._connection.execute(MEMORIES.delete().where(MEMORIES.c.policy_id == policy_id))

    def delete_policy(self, policy_id: str) -> None:
        """Remove one, with its mutes and what it remembers."""
        for table in (MEMORIES, MUTES):
            self._connection.execute(table.delete().where(table.c.policy_id == policy_id))
        self._connection.execute(POLICIES.delete().where(POLICIES.c.id == policy_id))

    def active_policies(self) -> tuple[Policy, ...]:
        """Return the policies that tell."""
        query = POLICIES.select().where(POLICIES.c.active).order_by(POLICIES.c.id)
        return tuple(_policy(row) for row in self._connection.execute(query))

    def list_mutes(self, *, limit: int, offset: int) -> api_v2.Page[shapes.NotificationMute]:
        """Return mutes that hold, newest first."""
        query = MUTES.select().where(self._holds()).order_by(MUTES.c.created_at.desc(), MUTES.c.id)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_mute_to_wire)

    def get_mute(self, mute_id: str) -> shapes.NotificationMute:
        """Return one; NotFoundError."""
        row = self._connection.execute(MUTES.select().where(MUTES.c.id == mute_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"notification mute {mute_id} does not exist")
        return _mute_to_wire(row)

    def insert_mute(self, values: Mapping[str, object]) -> None:
        """Add one; those that are over go."""
        self._connection.execute(MUTES.delete().where(~self._holds()))
        self._connection.execute(MUTES.insert().values(**values))

    def delete_mute(self, mute_id: str) -> None:
        """Remove one."""
        self._connection.execute(MUTES.delete().where(MUTES.c.id == mute_id))

    def mutes(self) -> tuple[Mute, ...]:
        """Return all mutes."""
        rows = self._connection.execute(MUTES.select())
        return tuple(Mute(policy_id=row.policy_id, deployment_id=row.deployment_id, until=row.until) for row in rows)

    def memories(self, subjects: Iterable[str]) -> dict[tuple[str, str], Memory]:
        """Return (policy id, subject) -> what was told, for some subjects."""
        rows = self._connection.execute(MEMORIES.select().where(any_of(MEMORIES.c.subject, sorted(set(subjects)))))
        return {(row.policy_id, row.subject): _memory(row) for row in rows}

    def with_news(self) -> tuple[Remembered, ...]:
        """Return what was held of active policies, and waits to be told."""
        query = (
            sa.select(MEMORIES)
            .join(POLICIES, POLICIES.c.id == MEMORIES.c.policy_id)
            .where(MEMORIES.c.news.is_not(None), POLICIES.c.active)
            .order_by(MEMORIES.c.news, MEMORIES.c.policy_id)
        )
        return tuple(
            Remembered(
                policy_id=row.policy_id, subject=row.subject, deployment_id=row.deployment_id, memory=_memory(row)
            )
            for row in self._connection.execute(query)
        )

    def remember(self, one: Remembered) -> None:
        """Put down what a policy told of a subject, in place of what was there."""
        key = (MEMORIES.c.policy_id == one.policy_id) & (MEMORIES.c.subject == one.subject)
        memory = one.memory
        values = {
            "told_at": memory.told_at,
            "troubled": sorted(memory.troubled),
            "held": memory.held,
            "news": memory.news,
            "news_monitor": memory.news_monitor,
            "news_health": memory.news_health.value if memory.news_health else None,
        }
        if not self._connection.execute(MEMORIES.update().where(key).values(**values)).rowcount:
            ids = {"policy_id": one.policy_id, "subject": one.subject, "deployment_id": one.deployment_id}
            self._connection.execute(MEMORIES.insert().values(**ids, **values))

    def cursor(self) -> int:
        """Return the sequence up to which the feed has been looked through."""
        return self._connection.execute(sa.select(CURSOR.c.sequence)).scalar_one_or_none() or 0

    def move_cursor(self, sequence: int) -> None:
        """Go on to a sequence."""
        if not self._connection.execute(CURSOR.update().values(sequence=sequence)).rowcount:
            self._connection.execute(CURSOR.insert().values(id=1, sequence=sequence))

    def _holds(self) -> sa.ColumnElement[bool]:
        return sa.or_(MUTES.c.until.is_(None), MUTES.c.until > self._now)

    def _policies(self) -> sa.Select[Any]:
        muted = sa.exists().where(
            sa.or_(MUTES.c.policy_id == POLICIES.c.id, MUTES.c.policy_id.is_(None)),
            MUTES.c.deployment_id.is_(None),
            self._holds(),
        )
        names = (CHANNELS.c.name.label("channel_name"), CHANNELS.c.type.label("channel_type"))
        return sa.select(POLICIES, *names, muted.label("muted")).join(CHANNELS, CHANNELS.c.id == POLICIES.c.channel_id)


def _of(table: sa.Table, scope: ScopeType | None, scope_id: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    asked = {"scope": scope, "scope_id": scope_id}
    return tuple(table.c[name] == value for name, value in asked.items() if value is not None)


def _channels() -> sa.Select[Any]:
    used = sa.select(sa.func.count()).where(POLICIES.c.channel_id == CHANNELS.c.id).scalar_subquery()
    return sa.select(CHANNELS, used.label("policy_count"))


def _channel_to_wire(row: sa.Row[Any]) -> shapes.NotificationChannel:
    return shapes.NotificationChannel(
        id=row.id,
        name=row.name,
        channel_type=row.type,
        related_entity_type=row.scope,
        related_entity_id=row.scope_id,
        uid=row.created_by,
        policy_count=row.policy_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_notification_at=row.last_notification_at,
        trouble=row.trouble,
        **row.shown,
    )


def _policy(row: sa.Row[Any]) -> Policy:
    return Policy(
        id=row.id,
        channel_id=row.channel_id,
        group=EventGroup(row.event_group) if row.event_group else None,
        event_type=row.event_type,
        scope=ScopeType(row.scope),
        scope_id=row.scope_id,
        period=parse_duration(row.maximal_frequency) if row.maximal_frequency else None,
        after=row.after_sequence,
    )


def _policy_to_wire(row: sa.Row[Any]) -> shapes.NotificationPolicy:
    return shapes.NotificationPolicy(
        id=row.id,
        name=row.name,
        channel_id=row.channel_id,
        channel_name=row.channel_name,
        channel_type=row.channel_type,
        event_group=row.event_group,
        event_type=row.event_type,
        maximal_frequency=row.maximal_frequency,
        active=row.active,
        muted=bool(row.muted),
        related_entity_type=row.scope,
        related_entity_id=row.scope_id,
        uid=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_triggered=row.last_triggered_at,
    )


def _mute_to_wire(row: sa.Row[Any]) -> shapes.NotificationMute:
    return shapes.NotificationMute(
        id=row.id,
        policy_id=row.policy_id,
        deployment_id=row.deployment_id,
        until=row.until,
        reason=row.reason,
        uid=row.created_by,
        created_at=row.created_at,
    )


def _memory(row: sa.Row[Any]) -> Memory:
    return Memory(
        told_at=row.told_at,
        troubled=frozenset(row.troubled),
        held=row.held,
        news=row.news,
        news_monitor=row.news_monitor,
        news_health=Health(row.news_health) if row.news_health else None,
    )
