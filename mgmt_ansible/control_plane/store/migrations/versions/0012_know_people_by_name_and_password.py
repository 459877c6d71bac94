"""Know people by name and password.

Login links and sessions are made anew, empty: everybody signs in again.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("folded_name", sa.String(128), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("environment_ids", sa.JSON, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("signed_in_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("folded_name", name="uq_users_folded_name"),
    )
    for table in ("sessions", "login_links"):
        op.drop_table(table)
    with op.batch_alter_table("access_tokens") as batch:
        batch.add_column(sa.Column("user_id", sa.String(64)))
        batch.create_foreign_key("fk_access_tokens_user_id", "users", ["user_id"], ["id"])
    for table, more in (("login_links", ()), ("sessions", (sa.Column("seen_at", _TIME, nullable=False),))):
        _create_owned(table, *more)


def downgrade() -> None:
    """Go back: tokens of users go with them."""
    for table in ("sessions", "login_links"):
        op.drop_table(table)
    op.execute(
        "UPDATE access_tokens SET revoked_at = CURRENT_TIMESTAMP WHERE user_id IS NOT NULL AND revoked_at IS NULL"
    )
    op.execute("UPDATE access_tokens SET user_id = NULL")
    with op.batch_alter_table("access_tokens") as batch:
        batch.drop_constraint("fk_access_tokens_user_id", type_="foreignkey")
        batch.drop_column("user_id")
    op.drop_table("users")
    for table in ("login_links", "sessions"):
        op.create_table(
            table,
            sa.Column("sha256", sa.String(64), nullable=False),
            sa.Column("token_id", sa.String(64), nullable=False),
            sa.Column("expires_at", _TIME, nullable=False),
            sa.PrimaryKeyConstraint("sha256", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["token_id"], ["access_tokens.id"], name=f"fk_{table}_token_id"),
        )


def _create_owned(table: str, *more: sa.Column[object]) -> None:
    op.create_table(
        table,
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("token_id", sa.String(64)),
        sa.Column("user_id", sa.String(64)),
        *more,
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["token_id"], ["access_tokens.id"], name=f"fk_{table}_token_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id"),
    )
