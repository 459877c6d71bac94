"""Accepting a request, in one transaction.

The generation rises, the action and its `started` event are there, the deployment changes its state, and older changes
that have not begun are superseded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mgmt_ansible import errors
from mgmt_ansible.control_plane.entries import action_words, append_event, package_data
from mgmt_ansible.control_plane.run_parameters import run_parameters
from mgmt_ansible.control_plane.self_managed import record_change, refuse_look
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord, DeploymentRecord, Prior
from mgmt_ansible.control_plane.transitions import next_state
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import (
    ActionSpec,
    ActionStatus,
    ActionType,
    default_minimum_healthy_seconds,
)
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.run_parameters import RunParameter, overrides
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire.api_v2 import ActionAccepted

_Accepted = TypeVar("_Accepted", ActionAccepted, ActionAccepted | None)

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10.0
TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and the key by which the same request is known again."""

    actor: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of what is wanted.

    Attributes:
        package: What should serve; None keeps the deployment's own.
        minimum_healthy_seconds: None takes the design's default for the type.
        timeout_seconds: For the whole run; None takes 600 s.
        data: More for the `started` event.
        forget_when_stopped: The deployment is deleted when this stop succeeds.
        limit: The only hosts that are meant; empty for all.
    """

    type: ActionType
    package: ModelPackage | None = None
    minimum_healthy_seconds: float | None = None
    timeout_seconds: float | None = None
    data: dict[str, object] = field(default_factory=dict)
    forget_when_stopped: bool = False
    limit: tuple[str, ...] = ()


def once(
    tx: Transaction, asker: Asker, request: dict[str, object], accept: Callable[[str | None], _Accepted]
) -> ActionAccepted | _Accepted:
    """Accept a request, or return what the same idempotency key was given before.

    Args:
        tx: A writing transaction.
        asker: With the key, if there is one.
        request: All that makes it the same request.
        accept: Called with the request's digest when the key is new.

    Raises:
        ConflictError: The key was used for another request.
    """
    if asker.idempotency_key is None:
        return accept(None)
    digest = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()
    known = tx.actions.find_by_key(asker.idempotency_key)
    if known is None:
        return accept(digest)
    if known.idempotency_request != digest:
        raise errors.ConflictError("Idempotency-Key: was used for another request; take a new one")
    return ActionAccepted(id=known.deployment_id or known.environment_id, action_id=known.id)


def accept_change(
    tx: Transaction, deployment: DeploymentRecord, change: Change, asker: Asker, digest: str | None = None
) -> ActionAccepted:
    """Accept a change of one deployment.

    Raises:
        InvalidRequestError: An agent should serve a package that has no archive.
        TransitionError: The deployment's state does not allow it.
    """
    state = next_state(change.type, deployment.state)
    package = _servable(deployment, change)
    stops = change.type is ActionType.DEPLOYMENT_STOP
    generation = tx.deployments.next_generation(deployment.id)
    spec = _spec(tx, deployment, change, None if stops else package, generation=generation)
    _tell_audit(tx, spec, package)
    prior = _supersede_waiting(tx, deployment, asker, by=spec.id)
    tx.deployments.update(
        deployment.id,
        package_id=package.id,
        wanted_running=not stops,
        forget_when_stopped=change.forget_when_stopped,
        generation=spec.deployment.generation if spec.deployment else 0,
        state=state.value,
        updated_at=tx.now,
    )
    insert_action(tx, spec, asker, digest, prior)
    _append_started(tx, spec, change, asker, package)
    if not deployment.environment_managed:
        record_change(tx, deployment, spec, actor=asker.actor)
    return ActionAccepted(id=deployment.id, action_id=spec.id)


def accept_dry_run(
    tx: Transaction, deployment: DeploymentRecord, change: Change, asker: Asker, digest: str | None = None
) -> ActionAccepted:
    """Accept a look at what a change would do; nothing of the deployment changes, and its generation is not taken.

    Raises:
        InvalidRequestError: No agent would look, or it should serve a package that has no archive.
        TransitionError: The deployment's state does not allow the change.
    """
    refuse_look(deployment.environment_name, managed=deployment.environment_managed)
    next_state(change.type, deployment.state)
    package = None if change.type is ActionType.DEPLOYMENT_STOP else _servable(deployment, change)
    generation = tx.deployments.newest_generation(deployment.id) + 1
    spec = _spec(tx, deployment, change, package, generation=generation)
    insert_action(tx, replace(spec, type=ActionType.DEPLOYMENT_DRY_RUN, would=change.type), asker, digest)
    return ActionAccepted(id=deployment.id, action_id=spec.id)


def _servable(deployment: DeploymentRecord, change: Change) -> ModelPackage:
    package = change.package or deployment.package
    if deployment.environment_managed and package.runtime == Runtime.EXTERNAL:
        raise errors.InvalidRequestError(
            f"modelPackageId: {package.name} {package.version} has no archive: only self-managed environments take it"
        )
    return package


def supersede(tx: Transaction, action: ActionRecord, *, actor: str, by: str) -> None:
    """End an action in favour of a newer one, with an entry in the feed."""
    message = f"superseded by the newer action {by}"
    tx.actions.update(action.id, status=ActionStatus.SUPERSEDED.value, finished_at=tx.now, message=message)
    append_event(
        tx,
        type=deployment_events.ACTION_SUPERSEDED,
        environment_id=action.environment_id,
        deployment_id=action.deployment_id,
        action_id=action.id,
        generation=action.generation,
        title="Action superseded",
        message=f"{action.type.value}: {message}",
        actor=actor,
    )


def _supersede_waiting(tx: Transaction, deployment: DeploymentRecord, asker: Asker, *, by: str) -> Prior:
    prior = Prior(
        state=deployment.state,
        package_id=deployment.package.id,
        wanted_running=deployment.wanted_running,
        generation=deployment.generation,
    )
    for action in tx.actions.unfinished(deployment.id):
        if action.changing and action.status is ActionStatus.PENDING:
            prior = action.prior or prior
            supersede(tx, action, actor=asker.actor, by=by)
    return prior


def _spec(
    tx: Transaction, deployment: DeploymentRecord, change: Change, package: ModelPackage | None, *, generation: int
) -> ActionSpec:
    parameters = run_parameters(tx, environment_id=deployment.environment_id, deployment_id=deployment.id)
    told = _overrides(parameters, change.type)
    usual = told.get("minimum_healthy_seconds", default_minimum_healthy_seconds(change.type))
    return ActionSpec(
        id=make_id(),
        type=change.type,
        environment_id=deployment.environment_id,
        environment_name=deployment.environment_name,
        deployment=DeploymentTarget(
            id=deployment.id,
            label=deployment.label,
            generation=generation,
            package=package,
            port=deployment.port,
        ),
        minimum_healthy_seconds=usual if change.minimum_healthy_seconds is None else change.minimum_healthy_seconds,
        ready_timeout_seconds=told.get("ready_timeout_seconds", READY_TIMEOUT_SECONDS),
        stop_timeout_seconds=told.get("stop_timeout_seconds", STOP_TIMEOUT_SECONDS),
        timeout_seconds=change.timeout_seconds or told.get("timeout_seconds", TIMEOUT_SECONDS),
        requested_at=tx.now,
        limit=change.limit,
        key_values=parameters,
    )


def _overrides(parameters: Sequence[RunParameter], action_type: ActionType) -> dict[str, float]:
    """Return what key-values override: a rollback waits for nothing but its gates."""
    told = overrides(parameters)
    if action_type is ActionType.DEPLOYMENT_ROLLBACK:
        told.pop("minimum_healthy_seconds", None)
    return told


def insert_action(
    tx: Transaction, spec: ActionSpec, asker: Asker, digest: str | None, prior: Prior | None = None
) -> None:
    """Add an action that is accepted, with the key by which its request is known again."""
    tx.actions.insert(
        spec,
        requested_by=asker.actor,
        prior=prior,
        idempotency_key=asker.idempotency_key,
        idempotency_request=digest,
    )


def _tell_audit(tx: Transaction, spec: ActionSpec, package: ModelPackage) -> None:
    generation = spec.deployment.generation if spec.deployment else 0
    summary = f"{spec.type}, generation {generation}, action {spec.id}: {package.name} {package.version}"
    tx.audit.about(
        "deployment",
        spec.deployment.id if spec.deployment else "",
        environment_id=spec.environment_id,
        summary=summary,
    )


def _append_started(tx: Transaction, spec: ActionSpec, change: Change, asker: Asker, package: ModelPackage) -> None:
    event_type, title = action_words(spec.type, "started")
    append_event(
        tx,
        type=event_type,
        environment_id=spec.environment_id,
        deployment_id=spec.deployment.id if spec.deployment else None,
        action_id=spec.id,
        generation=spec.deployment.generation if spec.deployment else None,
        title=title,
        message=f"{package.name} {package.version}",
        actor=asker.actor,
        data={
            "package": package_data(package),
            **({"overrides": told} if (told := _overrides(spec.key_values, spec.type)) else {}),
            **({"hosts_meant": list(change.limit)} if change.limit else {}),
            **change.data,
        },
    )
