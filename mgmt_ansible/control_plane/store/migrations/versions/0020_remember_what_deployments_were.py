"""Remember what deployments were: from now on, beginning with what they are.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TEXTS = ("label", "environment_name", "package_name", "package_version")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "deployment_history",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("environment_id", sa.String(64), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("package_digest", sa.String(64), nullable=False),
        sa.Column("wanted_running", sa.Boolean, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_deployment_history"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deployment_history_deployment_id_sequence", "deployment_history", ["deployment_id", "sequence"])
    begin = op.create_table(
        "deployment_history_begin",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployment_history_begin"),
    )
    now = datetime.now(UTC)
    op.bulk_insert(begin, [{"id": 1, "since": now}])
    present = sa.text(
        "INSERT INTO deployment_history (deployment_id, environment_id, from_at, deleted, label, environment_name, package_name,"
        " package_version, package_digest, wanted_running, generation, state, health)"
        " SELECT d.id, d.environment_id, :now, :no, d.label, e.name, p.name, p.version, p.digest, d.wanted_running, d.generation,"
        " d.state, d.health FROM deployments d JOIN environments e ON e.id = d.environment_id"
        " JOIN packages p ON p.id = d.package_id ORDER BY d.id"
    )
    types = (sa.bindparam("now", now, sa.DateTime(timezone=True)), sa.bindparam("no", False, sa.Boolean))
    op.get_bind().execute(present.bindparams(*types))


def downgrade() -> None:
    """Go back."""
    op.drop_table("deployment_history_begin")
    op.drop_table("deployment_history")
