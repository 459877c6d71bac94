"""Keep what monitors say beside what the agent says; tags, key-values, and counts of predictions.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")
_UNKNOWN = sa.text("'unknown'")


def upgrade() -> None:
    """Go forward: what is shown of a health so far is the agent's word."""
    _add_deployment_columns()
    _create_tags()
    _create_monitoring()


def downgrade() -> None:
    """Go back: what is shown of a health is the agent's word again; tags, key-values and counts are gone."""
    for table in ("prediction_usage", "monitor_words", "key_values", "tags"):
        op.drop_table(table)
    op.execute(
        "UPDATE deployments SET health = agent_health, health_message = agent_health_message,"
        " health_since = agent_health_since"
    )
    for name in (
        "deployed_at",
        "user_provided_id",
        "created_by",
        "words_from_generation",
        "aspect_details",
        "fairness_health",
        "accuracy_health",
        "model_health",
        "agent_health_since",
        "agent_health_message",
        "agent_health",
    ):
        op.drop_column("deployments", name)


def _add_deployment_columns() -> None:
    for column in (
        sa.Column("agent_health", sa.Text, nullable=False, server_default=_UNKNOWN),
        sa.Column("agent_health_message", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("agent_health_since", _TIME),
        sa.Column("model_health", sa.Text, nullable=False, server_default=_UNKNOWN),
        sa.Column("accuracy_health", sa.Text, nullable=False, server_default=_UNKNOWN),
        sa.Column("fairness_health", sa.Text, nullable=False, server_default=_UNKNOWN),
        sa.Column("aspect_details", sa.JSON),
        sa.Column("words_from_generation", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("created_by", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("user_provided_id", sa.Text),
        sa.Column("deployed_at", _TIME),
    ):
        op.add_column("deployments", column)
    op.execute(
        "UPDATE deployments SET agent_health = health, agent_health_message = health_message,"
        " agent_health_since = health_since"
    )


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("entity_type", sa.String(32), nullable=False),
        sa.Column("entity_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("entity_type", "entity_id", "name", name="uq_tags_entity_type_entity_id_name"),
    )
    op.create_table(
        "key_values",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("entity_type", sa.String(32), nullable=False),
        sa.Column("entity_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("value_type", sa.String(32), nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_values"),
        sa.UniqueConstraint("entity_type", "entity_id", "name", name="uq_key_values_entity_type_entity_id_name"),
    )


def _create_monitoring() -> None:
    op.create_table(
        "monitor_words",
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("monitor", sa.String(128), nullable=False),
        sa.Column("aspect", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("health", "message", "event_type")),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("said_at", _TIME, nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "monitor", "aspect", name="pk_monitor_words"),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_monitor_words_deployment_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "prediction_usage",
        sa.Column("deployment_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("rows", "predictions", "user_errors", "server_errors")
        ),
        sa.Column("execution_milliseconds", sa.Float, nullable=False),
        sa.Column("last_received_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "day", "kind", name="pk_prediction_usage"),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_prediction_usage_deployment_id", ondelete="CASCADE"
        ),
    )
