"""Remember how far entries of the feed were removed.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BEFORE_THE_OLDEST = "UPDATE removed_events SET newest = COALESCE((SELECT min(sequence) - 1 FROM deployment_events), 0)"


def upgrade() -> None:
    """Go forward: of what was removed before, at least all that lay before the oldest entry is known."""
    op.add_column("removed_events", sa.Column("newest", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.execute(_BEFORE_THE_OLDEST)


def downgrade() -> None:
    """Go back."""
    op.drop_column("removed_events", "newest")
