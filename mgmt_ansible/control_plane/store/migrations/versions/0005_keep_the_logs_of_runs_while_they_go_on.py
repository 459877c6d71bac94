"""Keep the logs of runs while they go on.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "run_logs",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("first_line", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "first_line", name="pk_run_logs"),
    )
    for name in ("log_lines", "log_characters"):
        op.add_column("runs", sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("runs", sa.Column("outcomes", sa.JSON))
    op.create_index("ix_runs_environment_id_sequence", "runs", ["environment_id", "sequence"])


def downgrade() -> None:
    """Go back: of a log its tail stays."""
    op.drop_index("ix_runs_environment_id_sequence", "runs")
    for name in ("outcomes", "log_characters", "log_lines"):
        op.drop_column("runs", name)
    op.drop_table("run_logs")
