"""The tables, as they are now; `migrations/` is how they came to be, and a test compares both.

Actions, events and runs outlive their deployment and so carry plain ids. `deployment_generations` outlives it too: hosts
keep a fence for every id, so that a deployment made again under an old id must go on counting.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out; SQLite keeps it without its zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return what the driver stores; ValueError for a time without zone. At the calendar's ends UTC has the last moment that there is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the store have a zone")
        try:
            aware = value.astimezone(UTC)
        except OverflowError:
            aware = datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)
        return aware.replace(tzinfo=None) if dialect.name == "sqlite" else aware

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _sequence(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)


ENVIRONMENTS = sa.Table(
    "environments",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("supported_model_formats", sa.JSON, nullable=False),
    sa.Column("is_managed_by_management_agent", sa.Boolean, nullable=False),
    sa.Column("status_interval_seconds", sa.Float, nullable=False),
    sa.Column("status_requested_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("plugin", sa.Text),
    sa.Column("priority", sa.Integer),
    sa.Column("max_concurrent_batch_predictions_job", sa.Integer),
)

ENVIRONMENT_HOSTS = sa.Table(
    "environment_hosts",
    METADATA,
    sa.Column("environment_id", sa.ForeignKey("environments.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
)

PACKAGES = sa.Table(
    "packages",
    METADATA,
    _sequence("sequence"),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("archive_sha256", sa.String(64), nullable=False),
    sa.Column("archive_bytes", sa.BigInteger, nullable=False),
    sa.Column("runtime", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("registered_model_id", sa.String(64), nullable=False, server_default=sa.text("''")),
    sa.Column("version_number", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("model_id", sa.Text),
    sa.Column("user_provided_id", sa.Text),
    sa.Column("target", sa.JSON(none_as_null=True)),
    sa.Column("model_description", sa.JSON(none_as_null=True)),
    sa.Column("archived_at", UtcDateTime),
    sa.UniqueConstraint("name", "version"),
    sa.Index(None, "archive_sha256"),
    sa.Index(None, "registered_model_id", "version_number"),
    sqlite_autoincrement=True,
)

_HEALTHS = ("agent", "model", "accuracy", "fairness")

DEPLOYMENTS = sa.Table(
    "deployments",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("importance", sa.Text, nullable=False),
    sa.Column("environment_id", sa.ForeignKey("environments.id"), nullable=False),
    sa.Column("package_id", sa.ForeignKey("packages.id"), nullable=False),
    sa.Column("wanted_running", sa.Boolean, nullable=False),
    sa.Column("forget_when_stopped", sa.Boolean, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("port", sa.Integer),
    sa.Column("health", sa.Text, nullable=False),
    sa.Column("health_message", sa.Text, nullable=False),
    sa.Column("health_since", UtcDateTime),
    sa.Column("agent_health_message", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("agent_health_since", UtcDateTime),
    *(sa.Column(f"{of}_health", sa.Text, nullable=False, server_default=sa.text("'unknown'")) for of in _HEALTHS),
    sa.Column("aspect_details", sa.JSON(none_as_null=True)),
    sa.Column("words_from_generation", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("created_by", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("owner", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("user_provided_id", sa.Text),
    sa.Column("deployed_at", UtcDateTime),
    sa.Column("endpoints", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index(None, "environment_id"),
    sa.Index(None, "package_id"),
)

DEPLOYMENT_GENERATIONS = sa.Table(
    "deployment_generations",
    METADATA,
    sa.Column("deployment_id", sa.String(64), primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
)

DEPLOYMENT_HOSTS = sa.Table(
    "deployment_hosts",
    METADATA,
    sa.Column("deployment_id", sa.String(64), primary_key=True),
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("digest", sa.Text),
    sa.Column("generation", sa.BigInteger),
    sa.Column("action_id", sa.String(64), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("drift", sa.Text),
    sa.Index(None, "environment_id", "host"),
)

ACTIONS = sa.Table(
    "actions",
    METADATA,
    _sequence("sequence"),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("generation", sa.BigInteger),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("agent", sa.Text),
    sa.Column("agent_id", sa.String(64)),
    sa.Column("instance_id", sa.Text),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("outcome", sa.Text),
    sa.Column("cause", sa.Text),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("hosts", sa.JSON, nullable=False),
    sa.Column("prior", sa.JSON(none_as_null=True)),
    sa.Column("idempotency_key", sa.Text, unique=True),
    sa.Column("idempotency_request", sa.String(64)),
    sa.Index(None, "deployment_id", "sequence"),
    sa.Index(None, "status", "environment_id"),
    sqlite_autoincrement=True,
)

DEPLOYMENT_EVENTS = sa.Table(
    "deployment_events",
    METADATA,
    _sequence("sequence"),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("health", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("occurred_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("action_id", sa.String(64)),
    sa.Column("run_id", sa.String(64)),
    sa.Column("generation", sa.BigInteger),
    sa.Column("host", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("words", sa.Text, nullable=False, server_default=sa.text("''")),  # indexed by event_search
    sa.Index(None, "deployment_id", "sequence"),
    *(sa.Index(None, column, "sequence") for column in ("health", "host", "actor")),
    sa.Index(None, "environment_id", "sequence", "health"),  # what is asked together is answered by an index alone
    sa.Index(None, "type", "sequence", "health", "environment_id"),
    sqlite_autoincrement=True,
)

DEPLOYMENT_EVENT_HOURS = sa.Table(
    "deployment_event_hours",
    METADATA,
    sa.Column("hour", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("oldest", sa.BigInteger, nullable=False),
    sa.Column("newest", sa.BigInteger, nullable=False),
)
"""Between which sequences the entries lie that happened in an hour since 1970; what is removed does not narrow it."""

REMOVED_EVENTS = sa.Table(
    "removed_events",
    METADATA,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("newest", sa.BigInteger, nullable=False, server_default=sa.text("0")),  # sequence
)

RUNS = sa.Table(
    "runs",
    METADATA,
    _sequence("sequence"),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("action_id", sa.String(64), nullable=False),
    sa.Column("environment_id", sa.String(64), nullable=False),
    sa.Column("deployment_id", sa.String(64)),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("playbook", sa.Text, nullable=False),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=False),
    sa.Column("ansible_version", sa.Text, nullable=False),
    sa.Column("hosts", sa.JSON, nullable=False),
    sa.Column("log_tail", sa.Text, nullable=False),
    sa.Column("log_lines", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("log_characters", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("outcomes", sa.JSON(none_as_null=True)),  # outcome -> hosts; null in rows of an older version
    sa.Index(None, "action_id"),
    sa.Index(None, "deployment_id", "sequence"),
    sa.Index(None, "environment_id", "sequence"),
    sqlite_autoincrement=True,
)
"""`request_hash` is empty until the agent reported how a run ended, and `ended_at` of one that goes on is when it began."""

AGENTS = sa.Table(
    "agents",
    METADATA,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("instance_id", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("environment_ids", sa.JSON, nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
)

REPORTS = sa.Table(
    "reports",
    METADATA,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Index(None, "received_at"),
)
