"""Notifications as rows of a table, and as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mgmt_ansible.cli import text
from mgmt_ansible.cli.output import Cell

if TYPE_CHECKING:
    from mgmt_ansible.wire.notifications import (
        NotificationChannel,
        NotificationLog,
        NotificationMute,
        NotificationPolicy,
        NotificationTest,
    )

CHANNEL_COLUMNS = ("ID", "NAME", "TYPE", "TO", "FOR", "POLICIES", "LAST", "TROUBLE")
POLICY_COLUMNS = ("ID", "NAME", "TELLS", "OF", "BY", "AT MOST EVERY", "STATE", "LAST")
MUTE_COLUMNS = ("ID", "POLICY", "DEPLOYMENT", "UNTIL", "REASON", "BY")
LOG_COLUMNS = ("ID", "WHEN", "STATUS", "TRIES", "CHANNEL", "POLICY", "HEALTH", "TITLE")


def channel_row(channel: NotificationChannel) -> Sequence[Cell]:
    """Return a channel in columns."""
    return (
        channel.id,
        channel.name,
        channel.channel_type.value,
        channel.payload_url or channel.email_address or channel.apprise_url,
        _scope(channel),
        channel.policy_count,
        text.ago(channel.last_notification_at),
        channel.trouble or None,
    )


def channel_pairs(channel: NotificationChannel) -> Iterable[tuple[str, Cell]]:
    """Yield a channel in lines."""
    yield "id", channel.id
    yield "name", channel.name
    yield "type", channel.channel_type.value
    yield "to", channel.payload_url or channel.email_address or channel.apprise_url
    yield "for", _scope(channel)
    yield "signed", "yes" if channel.secret_token else "no"


def policy_row(policy: NotificationPolicy) -> Sequence[Cell]:
    """Return a policy in columns."""
    return (
        policy.id,
        policy.name,
        policy.event_group.value if policy.event_group else policy.event_type,
        _scope(policy),
        policy.channel_name,
        policy.maximal_frequency,
        _state(policy),
        text.ago(policy.last_triggered),
    )


def policy_pairs(policy: NotificationPolicy) -> Iterable[tuple[str, Cell]]:
    """Yield a policy in lines."""
    yield "id", policy.id
    yield "name", policy.name
    yield "tells", policy.event_group.value if policy.event_group else policy.event_type
    yield "of", _scope(policy)
    yield "by", policy.channel_name
    yield "at most every", policy.maximal_frequency
    yield "state", _state(policy)


def mute_row(mute: NotificationMute) -> Sequence[Cell]:
    """Return a mute in columns."""
    return (mute.id, mute.policy_id or "all", mute.deployment_id or "all", _until(mute), mute.reason or None, mute.uid)


def mute_pairs(mute: NotificationMute) -> Iterable[tuple[str, Cell]]:
    """Yield a mute in lines."""
    yield "id", mute.id
    yield "policy", mute.policy_id or "all"
    yield "deployment", mute.deployment_id or "all"
    yield "until", _until(mute)


def log_row(log: NotificationLog) -> Sequence[Cell]:
    """Return a delivery in columns."""
    title = f"recovered: {log.title}" if log.recovered else log.title
    return (
        log.id,
        text.ago(log.timestamp),
        log.status,
        log.tries,
        log.channel_name or log.channel_id,
        log.policy_name or log.policy_id,
        log.health,
        title,
    )


def log_pairs(log: NotificationLog) -> Iterable[tuple[str, Cell]]:
    """Yield a delivery in lines."""
    yield "id", log.id
    yield "when", text.clock(log.timestamp)
    yield "status", log.status
    yield "why", log.message or None
    yield "tries", log.tries
    yield "next try", text.clock(log.next_try_at) if log.next_try_at else None
    yield "channel", log.channel_name or log.channel_id
    yield "policy", log.policy_name or log.policy_id
    yield "type", log.event_type
    yield "health", log.health
    yield "title", log.title
    yield "deployment", log.deployment_id
    yield "counts held", log.held_count
    yield "code", log.response.status_code
    yield "answer", log.response.body or None


def answer_pairs(test: NotificationTest) -> Iterable[tuple[str, Cell]]:
    """Yield what came back, in lines."""
    yield "delivered", "yes" if test.delivered else "no"
    yield "code", test.response.status_code
    yield "answer", test.response.body or None


def _scope(thing: NotificationChannel | NotificationPolicy) -> str:
    kind = thing.related_entity_type.value
    return kind if kind == "everything" else f"{kind} {thing.related_entity_id}"


def _state(policy: NotificationPolicy) -> str:
    if not policy.active:
        return "inactive"
    return "muted" if policy.muted else "active"


def _until(mute: NotificationMute) -> str:
    return text.clock(mute.until) if mute.until else "removed"
