"""Remember which process of which agent holds a claim.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("actions", sa.Column("agent_id", sa.String(64)))
    op.add_column("actions", sa.Column("instance_id", sa.Text))


def downgrade() -> None:
    """Go back: a claim that is held now is offered again when it expires."""
    for name in ("instance_id", "agent_id"):
        op.drop_column("actions", name)
