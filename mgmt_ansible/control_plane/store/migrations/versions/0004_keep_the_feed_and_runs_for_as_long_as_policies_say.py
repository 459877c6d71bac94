"""Keep the feed and runs for as long as policies say.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "removed_events",
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("type", name="pk_removed_events"),
    )
    policies = op.create_table(
        "retention_policies",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("keep_days", sa.Integer, nullable=False),
        sa.Column("environment_id", sa.String(64)),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("labels", "types", "categories", "healths")),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_retention_policies"),
        sa.UniqueConstraint("name", name="uq_retention_policies_name"),
    )
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("deployment_id", sa.String(64)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("placed_by", sa.Text, nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_legal_holds"),
    )
    default = {"id": "default", "name": "default", "keep_days": 90, "changed_by": ""}
    op.bulk_insert(policies, [{**default, "labels": [], "types": [], "categories": [], "healths": []}])


def downgrade() -> None:
    """Go back: everything is kept for ever again."""
    for table in ("legal_holds", "retention_policies", "removed_events"):
        op.drop_table(table)
