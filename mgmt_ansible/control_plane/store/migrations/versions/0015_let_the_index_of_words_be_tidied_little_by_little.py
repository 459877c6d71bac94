"""Let the index of words be tidied little by little.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SET = "INSERT INTO deployment_events_search(deployment_events_search, rank) VALUES (:name, :value)"


def upgrade() -> None:
    """Go forward: SQLite merges parts only as it is told to, unless far too many have come together."""
    _set(automerge=0, crisismerge=64)


def downgrade() -> None:
    """Go back to what SQLite does by itself."""
    _set(automerge=4, crisismerge=16)


def _set(**values: int) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, value in values.items():
            op.execute(sa.text(_SET).bindparams(name=name, value=value))
