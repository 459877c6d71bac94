"""The tables, continued: how long the feed and runs are kept, and what is held."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

RETENTION_POLICIES = sa.Table(
    "retention_policies",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False, unique=True),
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("environment_id", sa.String(64)),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("types", sa.JSON, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("healths", sa.JSON, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", UtcDateTime),
)

LEGAL_HOLDS = sa.Table(
    "legal_holds",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("placed_by", sa.Text, nullable=False),
    sa.Column("placed_at", UtcDateTime, nullable=False),
)
