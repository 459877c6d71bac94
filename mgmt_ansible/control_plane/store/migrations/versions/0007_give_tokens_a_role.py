"""Give tokens a role: those of people could do everything, and so become administrators.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("access_tokens", sa.Column("role", sa.Text))
    op.execute("UPDATE access_tokens SET role = 'admin' WHERE kind = 'user'")


def downgrade() -> None:
    """Go back: whoever had a lesser role than all would have all, so their tokens are revoked."""
    op.execute("UPDATE access_tokens SET revoked_at = CURRENT_TIMESTAMP WHERE role <> 'admin' AND revoked_at IS NULL")
    op.drop_column("access_tokens", "role")
