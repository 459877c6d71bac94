"""What channels and policies are for: a deployment, an environment, or everything."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.domain.notifications import EVERYTHING_ID, ScopeType
from mgmt_ansible.wire import notifications as shapes


def check_scope(tx: Transaction, scope: ScopeType | None, scope_id: str | None) -> None:
    """Refuse what does not exist; None is anything. NotFoundError."""
    if scope is ScopeType.DEPLOYMENT:
        tx.deployments.record(scope_id or "")
    elif scope is ScopeType.ENVIRONMENT:
        tx.environments.record(scope_id or "")
    elif scope is ScopeType.EVERYTHING and scope_id != EVERYTHING_ID:
        raise errors.NotFoundError(
            f"relatedEntityId: {scope_id} is not the id of everything, which is {EVERYTHING_ID!r}"
        )


def channel_within(
    tx: Transaction, channel_id: str, scope: ScopeType | None, scope_id: str | None
) -> shapes.NotificationChannel:
    """Return a channel; NotFoundError, also when it is for something else."""
    known = tx.notifications.get_channel(channel_id)
    if scope is not None and (known.related_entity_type, known.related_entity_id) != (scope, scope_id):
        raise errors.NotFoundError(f"{scope.value} {scope_id} has no notification channel {channel_id}")
    return known


def policy_within(
    tx: Transaction, policy_id: str, scope: ScopeType | None, scope_id: str | None
) -> shapes.NotificationPolicy:
    """Return a policy; NotFoundError, also when it is for something else."""
    known = tx.notifications.get_policy(policy_id)
    if scope is not None and (known.related_entity_type, known.related_entity_id) != (scope, scope_id):
        raise errors.NotFoundError(f"{scope.value} {scope_id} has no notification policy {policy_id}")
    return known
