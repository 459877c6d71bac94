"""Tell people of what is in the feed.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; what is in the feed already is told to nobody."""
    _create_what_people_decide()
    _create_mutes_and_memories()
    _create_deliveries()
    cursor = op.create_table(
        "notification_cursor",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification_cursor"),
    )
    newest = op.get_bind().execute(sa.text("SELECT max(sequence) FROM deployment_events")).scalar_one() or 0
    op.bulk_insert(cursor, [{"id": 1, "sequence": newest}])


def downgrade() -> None:
    """Go back: nobody is told any more, and channels and policies are gone."""
    for table in (
        "notification_cursor",
        "notification_deliveries",
        "notification_memories",
        "notification_mutes",
        "notification_policies",
        "notification_channels",
    ):
        op.drop_table(table)


def _create_what_people_decide() -> None:
    op.create_table(
        "notification_channels",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("scope_id", sa.String(64), nullable=False),
        sa.Column("shown", sa.JSON, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        *(_time(name, nullable=False) for name in ("created_at", "updated_at")),
        _time("last_notification_at"),
        sa.Column("failures", sa.Integer, nullable=False),
        _time("resume_at"),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification_channels"),
    )
    op.create_table(
        "notification_policies",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("channel_id", sa.String(64), nullable=False),
        sa.Column("event_group", sa.Text),
        sa.Column("event_type", sa.Text),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("scope_id", sa.String(64), nullable=False),
        sa.Column("maximal_frequency", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("after_sequence", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        *(_time(name, nullable=False) for name in ("created_at", "updated_at")),
        _time("last_triggered_at"),
        sa.PrimaryKeyConstraint("id", name="pk_notification_policies"),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["notification_channels.id"], name="fk_notification_policies_channel_id"
        ),
    )
    op.create_index("ix_notification_policies_channel_id", "notification_policies", ["channel_id"])


def _create_mutes_and_memories() -> None:
    op.create_table(
        "notification_mutes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("policy_id", sa.String(64)),
        sa.Column("deployment_id", sa.String(64)),
        _time("until"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        _time("created_at", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification_mutes"),
        _of_a_policy("notification_mutes"),
    )
    op.create_table(
        "notification_memories",
        sa.Column("policy_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("deployment_id", sa.String(64)),
        _time("told_at"),
        sa.Column("troubled", sa.JSON, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("news", sa.BigInteger),
        sa.Column("news_monitor", sa.Text),
        sa.Column("news_health", sa.Text),
        sa.PrimaryKeyConstraint("policy_id", "subject", name="pk_notification_memories"),
        _of_a_policy("notification_memories"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "notification_deliveries",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("once", sa.String(160)),
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
        *(_time(name) for name in ("next_try_at", "sending_until")),
        _time("created_at", nullable=False),
        _time("finished_at"),
        sa.Column("response_code", sa.Integer),
        sa.Column("response_text", sa.Text, nullable=False),
        sa.Column("parent_id", sa.String(64)),
        sa.PrimaryKeyConstraint("sequence", name="pk_notification_deliveries"),
        sa.UniqueConstraint("id", name="uq_notification_deliveries_id"),
        sa.UniqueConstraint("once", name="uq_notification_deliveries_once"),
        sqlite_autoincrement=True,
    )
    for columns in (("status", "channel_id"), ("channel_id", "sequence"), ("policy_id", "sequence"), ("created_at",)):
        op.create_index(f"ix_notification_deliveries_{'_'.join(columns)}", "notification_deliveries", list(columns))


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_a_policy(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_policy_id"
    return sa.ForeignKeyConstraint(["policy_id"], ["notification_policies.id"], name=name, ondelete="CASCADE")
