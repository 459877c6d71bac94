"""Keep what looks at hosts found.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "host_checks",
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("host", sa.String(256), nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("checks", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_host_checks_environment_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment_id", "host", name="pk_host_checks"),
    )


def downgrade() -> None:
    """Go back; the next looks at hosts find it again."""
    op.drop_table("host_checks")
