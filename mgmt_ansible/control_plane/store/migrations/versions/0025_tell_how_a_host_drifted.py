"""Tell how a host drifted.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; the next look at each environment fills it."""
    op.add_column("deployment_hosts", sa.Column("drift", sa.Text))


def downgrade() -> None:
    """Go back; looks tell it again."""
    op.drop_column("deployment_hosts", "drift")
