"""What a request for an action means, from what the store knows: which package to go back to, which hosts failed."""

from __future__ import annotations

from dataclasses import replace

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Change
from mgmt_ansible.control_plane.entries import package_data
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.outcomes import FINE
from mgmt_ansible.wire import api_v2

FAILED_ONLY = frozenset({ActionType.DEPLOYMENT_RELAUNCH})
"""Actions that can be meant for the hosts that failed only."""


def asked_change(tx: Transaction, deployment: DeploymentRecord, body: api_v2.ActionIn) -> Change:
    """Return the change that a request asks for.

    Raises:
        ConflictError: There is no release to go back to, or no host that failed.
        InvalidRequestError: `failedOnly` with an action that is for all hosts.
    """
    change = Change(
        type=body.type,
        minimum_healthy_seconds=body.minimum_healthy_seconds,
        timeout_seconds=body.timeout_seconds,
    )
    if body.failed_only:
        return replace(change, limit=_required_failed(tx, deployment, body.type))
    if body.type is ActionType.DEPLOYMENT_ROLLBACK:
        package = _required_target(tx, deployment)
        return replace(change, package=package, data={"old_package": package_data(deployment.package)})
    return change


def failed_hosts(tx: Transaction, deployment_id: str) -> tuple[str, ...]:
    """Return the hosts whose own newest result is not fine, or where another model serves than the wanted one."""
    return tuple(
        one.host for one in tx.deployment_hosts.of(deployment_id) if one.outcome not in FINE or not one.in_step
    )


def rollback_target(tx: Transaction, deployment: DeploymentRecord) -> ModelPackage | None:
    """Return the package of the newest release that succeeded and was another one than the present; None without one."""
    for package in tx.actions.succeeded_packages(deployment.id):
        if package.digest != deployment.package.digest and tx.packages.exists(package.id):
            return package
    return None


def _required_failed(tx: Transaction, deployment: DeploymentRecord, action_type: ActionType) -> tuple[str, ...]:
    if action_type not in FAILED_ONLY:
        raise errors.InvalidRequestError(f"failedOnly: {action_type.value} is for all hosts; leave it out, or relaunch")
    failed = failed_hosts(tx, deployment.id)
    if not failed:
        raise errors.ConflictError(
            f"deployment {deployment.id}: no host is known to have failed; ask for its status first, or relaunch all"
        )
    return failed


def _required_target(tx: Transaction, deployment: DeploymentRecord) -> ModelPackage:
    target = rollback_target(tx, deployment)
    if target is None:
        raise errors.ConflictError(
            f"deployment {deployment.id}: no other release of it ever succeeded; replace its model by a package instead"
        )
    return target
