"""Monitors: whoever reports of a deployment from outside, and what the types of their events say.

Types are the vendor's, from its public lists: dotted, or in camel case as its clients post some.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from mgmt_ansible.domain.health import Health

EVENT_TYPE_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$"
OUR_PREFIX = "mgmt_ansible."


class Aspect(StrEnum):
    """Which health of a deployment a monitor speaks of; the service's is the one that the agent speaks of too."""

    SERVICE = "service"
    MODEL = "model"
    ACCURACY = "accuracy"
    FAIRNESS = "fairness"


_NAMES: Mapping[str, str] = {
    "deploymentInfo": "management.deploymentInfo",
    "externalNaNPredictions": "monitoring.external_model_nan_predictions",
    "predictionRequestFailed": "prediction_request.failed",
}
"""Names as they are posted -> as the feed has them."""

_ASPECTS: Mapping[str, Aspect] = {
    "service_health": Aspect.SERVICE,
    "management_agent_service_health": Aspect.SERVICE,
    "data_drift": Aspect.MODEL,
    "accuracy": Aspect.ACCURACY,
    "fairness": Aspect.FAIRNESS,
}

_JUDGEMENT = re.compile(
    r"(?:model_deployments\.)?(?P<what>[a-z_]+?)_(?:still_)?(?P<colour>green|yellow|red|unknown)(?:_from_[a-z]+)?"
)
_COLOURS: Mapping[str, Health] = {
    "green": Health.PASSING,
    "yellow": Health.WARNING,
    "red": Health.FAILING,
    "unknown": Health.UNKNOWN,
}
_STATUS_TYPES: Mapping[str, Health] = {
    "success": Health.PASSING,
    "warning": Health.WARNING,
    "failure": Health.FAILING,
    "info": Health.INFO,
}


def feed_type(event_type: str) -> str:
    """Return the feed's name of a type that somebody posted."""
    if event_type in _NAMES:
        return _NAMES[event_type]
    match = _JUDGEMENT.fullmatch(event_type)
    if match and match["what"] in _ASPECTS and "." not in event_type:
        return f"model_deployments.{event_type}"
    return event_type


def judgement_of(event_type: str) -> tuple[Aspect, Health] | None:
    """Return which health a type judges, and how; None for one that only tells."""
    match = _JUDGEMENT.fullmatch(event_type)
    aspect = _ASPECTS.get(match["what"]) if match else None
    return None if match is None or aspect is None else (aspect, _COLOURS[match["colour"]])


def health_of_event(event_type: str, status_type: str | None) -> Health:
    """Return the health of an entry: what its type says, else its `statusType`, else what its name ends with."""
    match = _JUDGEMENT.fullmatch(event_type)
    if match is not None:
        return _COLOURS[match["colour"]]
    if status_type is not None:
        return _STATUS_TYPES[status_type]
    if event_type.endswith(("failed", "_red")):
        return Health.FAILING
    return Health.WARNING if event_type.endswith(("_warning", "nan_predictions")) else Health.INFO
