"""Accepting looks at hosts, which change nothing: at one deployment, or at all of an environment."""

from __future__ import annotations

from mgmt_ansible.control_plane.accepting import TIMEOUT_SECONDS, Asker, insert_action
from mgmt_ansible.control_plane.self_managed import refuse_look
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire.api_v2 import ActionAccepted


def accept_status(
    tx: Transaction, deployment: DeploymentRecord, asker: Asker, *, timeout_seconds: float | None, digest: str | None
) -> ActionAccepted:
    """Accept a look at one deployment; nothing of it changes; InvalidRequestError when no agent would look."""
    refuse_look(deployment.environment_name, managed=deployment.environment_managed)
    spec = ActionSpec(
        id=make_id(),
        type=ActionType.DEPLOYMENT_STATUS,
        environment_id=deployment.environment_id,
        environment_name=deployment.environment_name,
        deployment=deployment.target,
        deployments=(deployment.target,),
        timeout_seconds=timeout_seconds or TIMEOUT_SECONDS,
        requested_at=tx.now,
    )
    insert_action(tx, spec, asker, digest)
    return ActionAccepted(id=deployment.id, action_id=spec.id)


def accept_environment_status(
    tx: Transaction,
    environment_id: str,
    asker: Asker,
    *,
    timeout_seconds: float | None = None,
    digest: str | None = None,
) -> ActionAccepted:
    """Accept a look at a whole environment, or return the one that is under way; NotFoundError.

    One that carries another request's idempotency key is not returned to a request with a key of its own: each key has
    one action, so that the same key is always given the same.
    """
    environment = tx.environments.record(environment_id)
    refuse_look(environment.name, managed=environment.managed)
    under_way = tx.actions.environment_status_unfinished(environment_id)
    if under_way is not None and (
        asker.idempotency_key is None
        or tx.actions.take_key(under_way, idempotency_key=asker.idempotency_key, idempotency_request=digest)
    ):
        return ActionAccepted(id=environment_id, action_id=under_way)
    spec = ActionSpec(
        id=make_id(),
        type=ActionType.ENVIRONMENT_STATUS,
        environment_id=environment_id,
        environment_name=environment.name,
        deployments=tuple(record.target for record in tx.deployments.records_of(environment_id)),
        timeout_seconds=timeout_seconds or TIMEOUT_SECONDS,
        requested_at=tx.now,
    )
    insert_action(tx, spec, asker, digest)
    tx.environments.update(environment_id, {"status_requested_at": tx.now})
    return ActionAccepted(id=environment_id, action_id=spec.id)
