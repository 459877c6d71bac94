"""The tables, continued: registered models and their aliases; packages are their versions."""

from __future__ import annotations

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime

REGISTERED_MODELS = sa.Table(
    "registered_models",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("modified_at", UtcDateTime, nullable=False),
    sa.Column("modified_by", sa.Text, nullable=False),
    sa.Column("last_version_number", sa.Integer, nullable=False),
)

MODEL_ALIASES = sa.Table(
    "model_aliases",
    METADATA,
    sa.Column("registered_model_id", sa.ForeignKey("registered_models.id"), primary_key=True),
    sa.Column("alias", sa.String(64), primary_key=True),
    sa.Column("package_id", sa.ForeignKey("packages.id"), nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("set_at", UtcDateTime, nullable=False),
    sa.Index(None, "package_id"),
)
