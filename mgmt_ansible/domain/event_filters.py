"""What people ask of the feed: which entries, and the kinds of entries by what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mgmt_ansible.domain.health import Health


class EventCategory(StrEnum):
    """What an entry is about; each of our own types is of one category."""

    LAUNCH = "launch"
    REPLACEMENT = "replacement"
    SHUTDOWN = "shutdown"
    HEALTH = "health"
    LIFE_CYCLE = "life_cycle"
    ACTION = "action"
    AGENT = "agent"
    MONITORING = "monitoring"
    RETENTION = "retention"


class ExportFormat(StrEnum):
    """Of a file of entries."""

    CSV = "csv"
    JSONL = "jsonl"
    CLOUDEVENTS = "cloudevents"
    XLSX = "xlsx"
    PARQUET = "parquet"


TYPE_PREFIXES: Mapping[EventCategory, tuple[str, ...]] = {
    EventCategory.LAUNCH: ("model_deployments.deployment_launch_",),
    EventCategory.REPLACEMENT: ("model_deployments.model_replacement",),
    EventCategory.SHUTDOWN: ("model_deployments.deployment_shutdown_",),
    EventCategory.HEALTH: ("model_deployments.management_agent_service_health_", "mgmt_ansible.health_"),
    EventCategory.LIFE_CYCLE: (
        "model_deployments.deployment_creation",
        "model_deployments.deployment_deletion",
        "model_deployments.deployment_sharing",
    ),
    EventCategory.ACTION: ("mgmt_ansible.action_", "mgmt_ansible.result_", "management."),
    EventCategory.AGENT: ("mgmt_ansible.agent_",),
    EventCategory.MONITORING: (
        "mgmt_ansible.webhook_",
        "monitoring.",
        "prediction_request.",
        "moderation",
        *(f"model_deployments.{what}_" for what in ("service_health", "data_drift", "accuracy", "fairness")),
        *(f"model_deployments.{what}_" for what in ("custom_metric", "predictions_timeliness", "actuals_timeliness")),
    ),
    EventCategory.RETENTION: ("mgmt_ansible.feed_", "mgmt_ansible.legal_hold_"),
}
"""Category -> how its types begin. Source: the vendor's public list of types; ours are under `mgmt_ansible.*`."""


def categories_of(event_type: str) -> tuple[EventCategory, ...]:
    """Return the categories of a type; none for one that nobody here knows."""
    return tuple(category for category, prefixes in TYPE_PREFIXES.items() if event_type.startswith(prefixes))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilters:
    """Which entries of the feed: those that fulfil all that is given; of several values one is enough.

    Attributes:
        deployment_id: Of this deployment; its entries outlive it.
        environment_id: Of this environment.
        hosts: Of these hosts, by their inventory names.
        types: Of these types, in full.
        categories: About these.
        healths: Of these healths.
        actor: Caused by this user or agent.
        since: Happened at or after this time; aware.
        until: Happened before this time; aware.
        search: With all these words, each as the beginning of one; a text without any word is in no entry.
    """

    deployment_id: str | None = None
    environment_id: str | None = None
    hosts: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    categories: tuple[EventCategory, ...] = ()
    healths: tuple[Health, ...] = ()
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""


EVERYTHING = EventFilters()
