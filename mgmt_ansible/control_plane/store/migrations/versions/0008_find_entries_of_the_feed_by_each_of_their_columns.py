"""Find entries of the feed by each of their columns.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COLUMNS = ("type", "health", "host", "actor", "occurred_at")


def upgrade() -> None:
    """Go forward: some seconds for each million entries."""
    for column in _COLUMNS:
        op.create_index(f"ix_deployment_events_{column}_sequence", "deployment_events", [column, "sequence"])


def downgrade() -> None:
    """Go back."""
    for column in _COLUMNS:
        op.drop_index(f"ix_deployment_events_{column}_sequence", "deployment_events")
