"""The tables, continued: who may do what, and who did."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("folded_name", sa.String(128), nullable=False, unique=True),
    sa.Column("password_hash", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("environment_ids", sa.JSON, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("signed_in_at", UtcDateTime),
)

ACCESS_TOKENS = sa.Table(
    "access_tokens",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("role", sa.Text),
    sa.Column("user_id", sa.ForeignKey("users.id")),
    sa.Column("environment_ids", sa.JSON, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
)

LOGIN_LINKS = sa.Table(
    "login_links",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("token_id", sa.ForeignKey("access_tokens.id")),
    sa.Column("user_id", sa.ForeignKey("users.id")),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("token_id", sa.ForeignKey("access_tokens.id")),
    sa.Column("user_id", sa.ForeignKey("users.id")),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)
"""A login link and a session are of a token, or of a user who signed in with a password."""

AUDIT_ENTRIES = sa.Table(
    "audit_entries",
    METADATA,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("actor", "role", "action", "outcome", "target_kind", "target_id", "environment_id", "summary")
    ),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

AUDIT_HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
