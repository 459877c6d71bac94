"""Keep how long responses took, and how many failed, by the hour.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_COUNTS = ("asked", "failed", "user_errors", "timed")


def upgrade() -> None:
    """Go forward: nothing is measured yet."""
    op.create_table(
        "response_hours",
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("hour", sa.BigInteger, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _COUNTS),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("fastest", sa.Float),
        sa.Column("slowest", sa.Float),
        sa.PrimaryKeyConstraint("deployment_id", "source", "hour", name="pk_response_hours"),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_response_hours_deployment_id_deployments",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_response_hours_hour", "response_hours", ["hour"])


def downgrade() -> None:
    """Go back: what was measured is gone."""
    op.drop_table("response_hours")
