"""Let owners manage their environments, and make packages the versions of registered models.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from mgmt_ansible.identifiers import make_id

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")


def upgrade() -> None:
    """Go forward: what is there becomes the versions of its names, in the order in which it came."""
    _add_environment_columns()
    _create_registered_models()
    _add_package_columns()
    _count_versions()


def downgrade() -> None:
    """Go back: registered models and aliases are gone, packages that were archived are there as all others."""
    op.drop_index("ix_packages_registered_model_id_version_number", "packages")
    for name in (
        "archived_at",
        "model_description",
        "target",
        "user_provided_id",
        "model_id",
        "version_number",
        "registered_model_id",
        "created_by",
    ):
        op.drop_column("packages", name)
    for table in ("model_aliases", "registered_models", "deleted_environments"):
        op.drop_table(table)
    for name in ("max_concurrent_batch_predictions_job", "priority", "plugin", "created_by"):
        op.drop_column("environments", name)


def _add_environment_columns() -> None:
    op.add_column("environments", sa.Column("created_by", sa.Text, nullable=False, server_default=_EMPTY))
    op.add_column("environments", sa.Column("plugin", sa.Text))
    op.add_column("environments", sa.Column("priority", sa.Integer))
    op.add_column("environments", sa.Column("max_concurrent_batch_predictions_job", sa.Integer))
    op.create_table(
        "deleted_environments",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("deleted_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deleted_environments"),
    )


def _create_registered_models() -> None:
    op.create_table(
        "registered_models",
        sa.Column("id", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "description")),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("modified_at", _TIME, nullable=False),
        sa.Column("modified_by", sa.Text, nullable=False),
        sa.Column("last_version_number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registered_models"),
        sa.UniqueConstraint("name", name="uq_registered_models_name"),
    )
    op.create_table(
        "model_aliases",
        sa.Column("registered_model_id", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(64), nullable=False),
        sa.Column("package_id", sa.String(64), nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("registered_model_id", "alias", name="pk_model_aliases"),
        sa.ForeignKeyConstraint(
            ["registered_model_id"], ["registered_models.id"], name="fk_model_aliases_registered_model_id"
        ),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_model_aliases_package_id"),
    )
    op.create_index("ix_model_aliases_package_id", "model_aliases", ["package_id"])


def _add_package_columns() -> None:
    op.add_column("packages", sa.Column("created_by", sa.Text, nullable=False, server_default=_EMPTY))
    op.add_column("packages", sa.Column("registered_model_id", sa.String(64), nullable=False, server_default=_EMPTY))
    op.add_column("packages", sa.Column("version_number", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("packages", sa.Column("model_id", sa.Text))
    op.add_column("packages", sa.Column("user_provided_id", sa.Text))
    op.add_column("packages", sa.Column("target", sa.JSON))
    op.add_column("packages", sa.Column("model_description", sa.JSON))
    op.add_column("packages", sa.Column("archived_at", _TIME))
    op.create_index(
        "ix_packages_registered_model_id_version_number", "packages", ["registered_model_id", "version_number"]
    )


def _count_versions() -> None:
    connection = op.get_bind()
    packages = sa.table(
        "packages",
        *(sa.column(name) for name in ("sequence", "name", "registered_model_id", "version_number")),
        sa.column("created_at", _TIME),
    )
    models = sa.table(
        "registered_models",
        *(
            sa.column(name)
            for name in ("id", "name", "description", "created_by", "modified_by", "last_version_number")
        ),
        *(sa.column(name, _TIME) for name in ("created_at", "modified_at")),
    )
    found: dict[str, dict[str, Any]] = {}
    query = sa.select(packages.c.sequence, packages.c.name, packages.c.created_at).order_by(packages.c.sequence)
    for sequence, name, created_at in connection.execute(query).all():
        model = found.setdefault(
            name,
            {
                "id": make_id(),
                "name": name,
                "description": "",
                "created_at": created_at,
                "created_by": "",
                "modified_by": "",
                "last_version_number": 0,
            },
        )
        model["last_version_number"] += 1
        model["modified_at"] = created_at
        values = {"registered_model_id": model["id"], "version_number": model["last_version_number"]}
        connection.execute(packages.update().where(packages.c.sequence == sequence).values(**values))
    if found:
        connection.execute(models.insert(), list(found.values()))
