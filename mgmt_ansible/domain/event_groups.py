"""Groups of types of the feed's entries, and who tells what by a type; names are the vendor's public ones, ours under `mgmt_ansible.*`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.health import Health


class EventGroup(StrEnum):
    """Many types under one name. Source: the vendor's public list; ours are the last two."""

    DEPLOYMENTS = "model_deployments.all"
    """All that is about a deployment."""
    HEALTH = "model_deployments.health"
    """Each health that is another than before, of any monitor; flapping and settled too."""
    CRITICAL_HEALTH = "model_deployments.critical_health"
    """Of these, the failing ones."""
    FREQUENT_HEALTH_CHANGE = "model_deployments.frequent_health_change"
    """Also what says only that it is still so (`*_still_*`)."""
    CRITICAL_FREQUENT_HEALTH_CHANGE = "model_deployments.critical_frequent_health_change"
    MANAGEMENT_AGENT = "model_deployments.management_agent"
    """What the management agent did and saw."""
    MANAGEMENT_AGENT_HEALTH = "model_deployments.management_agent_health"
    PREDICTION_REQUESTS = "prediction_request.all"
    MONITORING = "monitoring.all"
    PROBLEMS = "mgmt_ansible.problems"
    """Each entry whose health is warning, failing or unknown."""
    EVERYTHING = "mgmt_ansible.everything"


TROUBLES = frozenset({Health.WARNING, Health.FAILING, Health.UNKNOWN})
_AGENT = "management_agent"
_AGENT_HEALTH = "model_deployments.management_agent_service_health_"
_FLAPPINGS = frozenset({deployment_events.HEALTH_FLAPPING, deployment_events.HEALTH_SETTLED})
_ABOUT_ACTIONS = ("mgmt_ansible.action_", "mgmt_ansible.result_")
_OF_THE_AGENT = (
    "model_deployments.deployment_launch_",
    "model_deployments.deployment_shutdown_",
    "model_deployments.model_replacement",
    "model_deployments.endpoint_update_",
    _AGENT_HEALTH,
    "management.",
    "mgmt_ansible.agent_",
    *_ABOUT_ACTIONS,
)
_MONITORED = re.compile(r"(?P<monitor>.{1,200}?)_(?:still_)?(?:green|yellow|red|unknown)(?:_from_\w{1,50})?")
"""How the vendor names what its monitors see. Source: its public list of types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What rules ask of an entry of the feed.

    Attributes:
        at: When it was stored; aware.
        between: Of a flapping one, the healths it goes between.
    """

    sequence: int
    type: str
    health: Health
    at: datetime
    environment_id: str
    deployment_id: str | None = None
    between: tuple[Health, ...] = ()

    @property
    def subject(self) -> str:
        """What periods count for: the deployment, or without one the environment."""
        return self.deployment_id or f"environment {self.environment_id}"


def in_group(group: EventGroup, entry: Entry) -> bool:
    """Tell whether an entry is of a group."""
    return _MEMBERS[group](entry)


def monitor_of(event_type: str) -> str | None:
    """Return who tells a deployment's health by this type: its trouble ends when the same one says passing."""
    if event_type in deployment_events.TELLINGS:
        return _AGENT
    found = _MONITORED.fullmatch(event_type)
    return found["monitor"] if found else None


def _tells_health(event_type: str) -> bool:
    of_a_deployment = event_type.startswith("model_deployments.")
    return event_type in _FLAPPINGS or (of_a_deployment and _MONITORED.fullmatch(event_type) is not None)


def _critical(entry: Entry) -> bool:
    return Health.FAILING in (entry.health, *entry.between)


def _about_a_deployment(entry: Entry) -> bool:
    return entry.type.startswith(("model_deployments.", *_ABOUT_ACTIONS)) or entry.type in _FLAPPINGS


def _changed_health(entry: Entry) -> bool:
    return _tells_health(entry.type) and "_still_" not in entry.type


_MEMBERS: Mapping[EventGroup, Callable[[Entry], bool]] = {
    EventGroup.DEPLOYMENTS: _about_a_deployment,
    EventGroup.HEALTH: _changed_health,
    EventGroup.CRITICAL_HEALTH: lambda entry: _changed_health(entry) and _critical(entry),
    EventGroup.FREQUENT_HEALTH_CHANGE: lambda entry: _tells_health(entry.type),
    EventGroup.CRITICAL_FREQUENT_HEALTH_CHANGE: lambda entry: _tells_health(entry.type) and _critical(entry),
    EventGroup.MANAGEMENT_AGENT: lambda entry: entry.type.startswith(_OF_THE_AGENT) or entry.type in _FLAPPINGS,
    EventGroup.MANAGEMENT_AGENT_HEALTH: lambda entry: entry.type.startswith(_AGENT_HEALTH) or entry.type in _FLAPPINGS,
    EventGroup.PREDICTION_REQUESTS: lambda entry: entry.type.startswith("prediction_request."),
    EventGroup.MONITORING: lambda entry: entry.type.startswith("monitoring."),
    EventGroup.PROBLEMS: lambda entry: entry.health in TROUBLES,
    EventGroup.EVERYTHING: lambda _: True,
}
