"""The tables, continued: what is told of deployments and environments beside their own columns."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

DELETED_ENVIRONMENTS = sa.Table(
    "deleted_environments",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("deleted_at", UtcDateTime, nullable=False),
)

TAGS = sa.Table(
    "tags",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("entity_type", sa.String(32), nullable=False),
    sa.Column("entity_id", sa.String(64), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.UniqueConstraint("entity_type", "entity_id", "name"),
)

KEY_VALUES = sa.Table(
    "key_values",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("entity_type", sa.String(32), nullable=False),
    sa.Column("entity_id", sa.String(64), nullable=False),
    sa.Column("name", sa.String(512), nullable=False),
    sa.Column("category", sa.String(32), nullable=False),
    sa.Column("value_type", sa.String(32), nullable=False),
    sa.Column("value", sa.Text),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.UniqueConstraint("entity_type", "entity_id", "name"),
)

MONITOR_WORDS = sa.Table(
    "monitor_words",
    METADATA,
    sa.Column("deployment_id", sa.ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("monitor", sa.String(128), primary_key=True),
    sa.Column("aspect", sa.String(32), primary_key=True),
    sa.Column("health", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
)

PREDICTION_USAGE = sa.Table(
    "prediction_usage",
    METADATA,
    sa.Column("deployment_id", sa.ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("predictions", sa.BigInteger, nullable=False),
    sa.Column("user_errors", sa.BigInteger, nullable=False),
    sa.Column("server_errors", sa.BigInteger, nullable=False),
    sa.Column("execution_milliseconds", sa.Float, nullable=False),
    sa.Column("last_received_at", UtcDateTime, nullable=False),
)

RESPONSE_HOURS = sa.Table(
    "response_hours",
    METADATA,
    sa.Column("deployment_id", sa.ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("source", sa.String(16), primary_key=True),
    sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("user_errors", sa.BigInteger, nullable=False),
    sa.Column("timed", sa.BigInteger, nullable=False),
    sa.Column("milliseconds", sa.Float, nullable=False),
    sa.Column("fastest", sa.Float),
    sa.Column("slowest", sa.Float),
    sa.Index("ix_response_hours_hour", "hour"),
)
"""`hour` counts from 1970, in UTC."""
