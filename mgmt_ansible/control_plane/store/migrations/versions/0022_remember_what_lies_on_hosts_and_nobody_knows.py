"""Remember what lies on hosts and is no deployment here.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward: the next looks tell."""
    op.create_table(
        "orphans",
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("host", sa.String(256), nullable=False),
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "host", "deployment_id", name="pk_orphans"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_orphans_environment_id_environments", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Go back: looks tell of none."""
    op.drop_table("orphans")
