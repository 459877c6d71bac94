"""Canceling: a pending action ends at once and leaves its deployment as it was before; a running one is asked to end."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import Cause


def cancel_action(tx: Transaction, action: ActionRecord, *, actor: str) -> None:
    """Cancel an action.

    Raises:
        ConflictError: It is final.
    """
    if action.final:
        raise errors.ConflictError(f"action {action.id} is {action.status.value} already")
    if action.status is ActionStatus.RUNNING:
        tx.actions.update(action.id, cancel_requested=True)
        return
    tx.actions.update(
        action.id,
        status=ActionStatus.CANCELED.value,
        cause=Cause.CANCELED.value,
        cancel_requested=True,
        finished_at=tx.now,
        message=f"canceled by {actor} before it began",
    )
    _return_to_prior(tx, action)
    append_event(
        tx,
        type=deployment_events.ACTION_CANCELED,
        environment_id=action.environment_id,
        deployment_id=action.deployment_id,
        action_id=action.id,
        generation=action.generation,
        title="Action canceled",
        message=f"{action.type.value}: canceled before it began",
        actor=actor,
    )


def _return_to_prior(tx: Transaction, action: ActionRecord) -> None:
    if action.deployment_id is None or action.prior is None:
        return
    deployment = tx.deployments.find_record(action.deployment_id)
    if deployment is None or deployment.generation != action.generation:
        return
    tx.deployments.update(
        deployment.id,
        state=action.prior.state.value,
        package_id=action.prior.package_id if tx.packages.exists(action.prior.package_id) else deployment.package.id,
        wanted_running=action.prior.wanted_running,
        generation=action.prior.generation,
        forget_when_stopped=False,
        updated_at=tx.now,
    )
