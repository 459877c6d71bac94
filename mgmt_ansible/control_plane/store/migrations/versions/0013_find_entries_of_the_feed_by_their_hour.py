"""Find entries of the feed by their hour, and by what is asked together without looking at them.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mgmt_ansible.control_plane.store import event_hours

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = "deployment_events"
_BEFORE = (("environment_id", "sequence"), ("type", "sequence"), ("occurred_at", "sequence"))
_AFTER = (("environment_id", "sequence", "health"), ("type", "sequence", "health", "environment_id"))


def upgrade() -> None:
    """Go forward: some seconds for each million entries."""
    op.create_table(
        "deployment_event_hours",
        sa.Column("hour", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("oldest", sa.BigInteger, nullable=False),
        sa.Column("newest", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hour", name="pk_deployment_event_hours"),
    )
    event_hours.note_all(op.get_bind())
    _replace(_BEFORE, _AFTER)


def downgrade() -> None:
    """Go back."""
    op.drop_table("deployment_event_hours")
    _replace(_AFTER, _BEFORE)


def _replace(former: tuple[tuple[str, ...], ...], latter: tuple[tuple[str, ...], ...]) -> None:
    for columns in former:
        op.drop_index(_name(columns), _TABLE)
    for columns in latter:
        op.create_index(_name(columns), _TABLE, list(columns))


def _name(columns: tuple[str, ...]) -> str:
    return f"ix_{_TABLE}_{'_'.join(columns)}"
