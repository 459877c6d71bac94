"""Tables of what agents tell and get, beside those of `schema`: logs of runs, looks at hosts, invitations."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

HOST_CHECKS = sa.Table(
    "host_checks",
    METADATA,
    sa.Column("environment_id", sa.ForeignKey("environments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("host", sa.String(256), primary_key=True),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("checks", sa.JSON, nullable=False),
)

ORPHANS = sa.Table(
    "orphans",
    METADATA,
    sa.Column("environment_id", sa.ForeignKey("environments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("host", sa.String(256), primary_key=True),
    sa.Column("deployment_id", sa.String(64), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

RUN_LOGS = sa.Table(
    "run_logs",
    METADATA,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("first_line", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # zlib of the lines, a line feed between two
)

AGENT_INVITATIONS = sa.Table(
    "agent_invitations",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("agent_name", sa.String(128), nullable=False),
    sa.Column("invited_by", sa.Text, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)
