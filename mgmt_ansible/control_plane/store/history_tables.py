"""The tables of the history of deployments, as they are now (`schema` has the others)."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

DEPLOYMENT_HISTORY = sa.Table(
    "deployment_history",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("deployment_id", sa.String(64), nullable=False),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("from_at", UtcDateTime, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("environment_name", sa.Text, nullable=False),
    sa.Column("package_name", sa.Text, nullable=False),
    sa.Column("package_version", sa.Text, nullable=False),
    sa.Column("package_digest", sa.String(64), nullable=False),
    sa.Column("wanted_running", sa.Boolean, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("health", sa.Text, nullable=False),
    sa.Index(None, "deployment_id", "sequence"),
    sqlite_autoincrement=True,
)

HISTORY_BEGIN = sa.Table(
    "deployment_history_begin",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("since", UtcDateTime, nullable=False),
)
