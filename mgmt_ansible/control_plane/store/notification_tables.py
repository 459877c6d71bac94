"""The tables of notifications, as they are now (`schema` has the others)."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

CHANNELS = sa.Table(
    "notification_channels",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("scope_id", sa.String(64), nullable=False),
    sa.Column("shown", sa.JSON, nullable=False),  # what everybody may see; secrets are masked in it
    sa.Column("sealed", sa.Text, nullable=False),  # the rest, encrypted
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("last_notification_at", UtcDateTime),
    sa.Column("failures", sa.Integer, nullable=False),  # in a row
    sa.Column("resume_at", UtcDateTime),
    sa.Column("trouble", sa.Text, nullable=False),
)

POLICIES = sa.Table(
    "notification_policies",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("channel_id", sa.ForeignKey("notification_channels.id"), nullable=False),
    sa.Column("event_group", sa.Text),
    sa.Column("event_type", sa.Text),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("scope_id", sa.String(64), nullable=False),
    sa.Column("maximal_frequency", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("after_sequence", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("last_triggered_at", UtcDateTime),
    sa.Index(None, "channel_id"),
)

MUTES = sa.Table(
    "notification_mutes",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("policy_id", sa.ForeignKey("notification_policies.id", ondelete="CASCADE")),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("until", UtcDateTime),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

MEMORIES = sa.Table(
    "notification_memories",
    METADATA,
    sa.Column("policy_id", sa.ForeignKey("notification_policies.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("subject", sa.String(128), primary_key=True),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("told_at", UtcDateTime),
    sa.Column("troubled", sa.JSON, nullable=False),
    sa.Column("held", sa.Integer, nullable=False),
    sa.Column("news", sa.BigInteger),
    sa.Column("news_monitor", sa.Text),
    sa.Column("news_health", sa.Text),
)

DELIVERIES = sa.Table(
    "notification_deliveries",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column(
        "once", sa.String(160), unique=True
    ),  # policy and entry: each pair is told once; null for what people ask for
    sa.Column("channel_id", sa.String(64), nullable=False),
    sa.Column("policy_id", sa.String(64)),
    sa.Column("event_sequence", sa.BigInteger),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("notice", sa.JSON, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_try_at", UtcDateTime),
    sa.Column("sending_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("response_code", sa.Integer),
    sa.Column("response_text", sa.Text, nullable=False),
    sa.Column("parent_id", sa.String(64)),
    sa.Index(None, "status", "channel_id"),
    sa.Index(None, "channel_id", "sequence"),
    sa.Index(None, "policy_id", "sequence"),
    sa.Index(None, "created_at"),
    sqlite_autoincrement=True,
)

CURSOR = sa.Table(
    "notification_cursor",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
