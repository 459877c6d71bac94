"""The filters of `GET deployments/`: the vendor's, and ours; several values come repeated or parted by commas."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import Query

from mgmt_ansible import errors
from mgmt_ansible.control_plane.api.asking import Asking
from mgmt_ansible.control_plane.deployment_details import SHARED_AS
from mgmt_ansible.control_plane.owners import maker_of
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.deployments import STATE_WORDS, DeploymentState, states_named
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2

_E = TypeVar("_E", bound=StrEnum)
_Words = list[str] | None
_NOT_TOLD = {"unavailable", "notApplicable", "notAvailable"}
"""The vendor's words for healths that are not known; here they are `unknown`."""
_ROLES = ("OWNER", "USER", "CONSUMER")


class Importance(StrEnum):
    """How much depends on a deployment."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MODERATE = "MODERATE"
    LOW = "LOW"


class ShareRole(StrEnum):
    """What whoever asks may do with a deployment."""

    OWNER = "OWNER"
    USER = "USER"
    CONSUMER = "CONSUMER"


def _several(alias: str) -> object:
    return Query(alias=alias, max_length=50)


def deployment_filters(
    *,
    principal: Asking,
    environment_id: Annotated[str | None, Query(alias="predictionEnvironmentId")] = None,
    state: Annotated[_Words, _several("state")] = None,
    health: Annotated[_Words, _several("health")] = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
    order_by: Annotated[str | None, Query(alias="orderBy", max_length=64)] = None,
    role: ShareRole | None = None,
    status: Annotated[_Words, _several("status")] = None,
    service_health: Annotated[_Words, _several("serviceHealth")] = None,
    model_health: Annotated[_Words, _several("modelHealth")] = None,
    accuracy_health: Annotated[_Words, _several("accuracyHealth")] = None,
    fairness_health: Annotated[_Words, _several("fairnessHealth")] = None,
    execution_type: Annotated[_Words, _several("executionEnvironmentType")] = None,
    importance: Annotated[_Words, _several("importance")] = None,
    platform: Annotated[_Words, _several("predictionEnvironmentPlatform")] = None,
    tag_keys: Annotated[_Words, _several("tagKeys")] = None,
    tag_values: Annotated[_Words, _several("tagValues")] = None,
    owner: Annotated[_Words, _several("owner")] = None,
    created_by: Annotated[str | None, Query(alias="createdBy", max_length=128)] = None,
    created_by_me: Annotated[bool, Query(alias="createdByMe")] = False,
    host: Annotated[str | None, Query(max_length=512)] = None,
    package_name: Annotated[str | None, Query(alias="packageName", max_length=512)] = None,
) -> DeploymentFilters:
    """Return what a request asks of the list; InvalidRequestError names the filter that is not understood."""
    vendor_states = tuple(_STATES[word] for word in _known("status", status, _STATES))
    kinds = _known("executionEnvironmentType", execution_type, ("external", "datarobot"))
    return DeploymentFilters(
        environment_id=environment_id,
        states=states_named(_known("state", state, STATE_WORDS)) or vendor_states,
        healths=_healths("health", health) or _healths("serviceHealth", service_health),
        importances=tuple(word.value for word in _words("importance", importance, Importance)),
        model_healths=_healths("modelHealth", model_health),
        accuracy_healths=_healths("accuracyHealth", accuracy_health),
        fairness_healths=_healths("fairnessHealth", fairness_health),
        platforms=tuple(word.value for word in _words("predictionEnvironmentPlatform", platform, api_v2.Platform)),
        owners=_parts(owner),
        created_by=maker_of(principal.name) if created_by_me else created_by,
        tag_keys=_parts(tag_keys),
        tag_values=_parts(tag_values),
        host=host,
        package_name=package_name,
        nothing=(bool(kinds) and "external" not in kinds) or not _holds(principal, role),
        search=search,
        order_by=order_by,
    )


_STATES = {word: state for state, word in api_v2.VENDOR_STATUS.items()}


def _holds(principal: Asking, role: ShareRole | None) -> bool:
    if role is None or principal.role is None:
        return role is None
    return _ROLES.index(SHARED_AS[principal.role]) <= _ROLES.index(role.value)


def _parts(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(part for value in values or () for part in value.split(",") if part)


def _known(name: str, values: _Words, known: Sequence[str] | dict[str, DeploymentState]) -> tuple[str, ...]:
    parts = _parts(values)
    for part in parts:
        if part not in known:
            raise errors.InvalidRequestError(f"{name}: one of {', '.join(known)}")
    return parts


def _words(name: str, values: _Words, words: type[_E]) -> tuple[_E, ...]:
    return tuple(words(part) for part in _known(name, values, [word.value for word in words]))


def _healths(name: str, values: _Words) -> tuple[Health, ...]:
    known = [word.value for word in Health if word is not Health.INFO]
    parts = _known(name, values, [*known, *sorted(_NOT_TOLD)])
    return tuple(Health.UNKNOWN if part in _NOT_TOLD else Health(part) for part in parts)
