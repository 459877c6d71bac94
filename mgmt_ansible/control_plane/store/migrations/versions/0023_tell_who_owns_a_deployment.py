"""Tell who owns a deployment: so far whoever made it.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_DEPLOYMENTS = sa.table("deployments", sa.column("created_by", sa.Text), sa.column("owner", sa.Text))


def upgrade() -> None:
    """Go forward: of `user/token` the user."""
    op.add_column("deployments", sa.Column("owner", sa.Text, nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    for maker in connection.execute(sa.select(_DEPLOYMENTS.c.created_by).distinct()).scalars().all():
        owned = _DEPLOYMENTS.update().where(_DEPLOYMENTS.c.created_by == maker)
        connection.execute(owned.values(owner=maker.partition("/")[0]))


def downgrade() -> None:
    """Go back."""
    op.drop_column("deployments", "owner")
