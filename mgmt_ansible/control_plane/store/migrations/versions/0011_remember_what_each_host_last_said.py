"""Remember what each host last said of each deployment.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; the next look at each environment fills it."""
    op.create_table(
        "deployment_hosts",
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("digest", sa.Text),
        sa.Column("generation", sa.BigInteger),
        sa.Column("action_id", sa.String(64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "host", name="pk_deployment_hosts"),
    )
    op.create_index("ix_deployment_hosts_environment_id_host", "deployment_hosts", ["environment_id", "host"])


def downgrade() -> None:
    """Go back; hosts say it again at the next look."""
    op.drop_table("deployment_hosts")
