"""What tokens and users may be, and who has to be left."""

from __future__ import annotations

from collections.abc import Sequence

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.domain.roles import Role


def check_scope(role: Role, environment_ids: Sequence[str]) -> None:
    """Refuse an administrator for some environments only: what administrators do is for all; InvalidRequestError."""
    if role is Role.ADMIN and environment_ids:
        raise errors.InvalidRequestError(
            "predictionEnvironmentIds: an administrator is for all environments: name none, or take the role deployer"
        )


def check_some_admin(tx: Transaction) -> None:
    """Refuse what would leave nobody who can administrate; ConflictError, and nothing is changed."""
    if not tx.access.any_admin():
        raise errors.ConflictError(
            "nobody could administrate any more: first give another user or token the role admin"
        )


def check_token(
    tx: Transaction, *, name: str, kind: str, role: Role, environment_ids: Sequence[str], user_id: str | None
) -> None:
    """Refuse a token that cannot be; errors as of `Access.create_token`."""
    if kind == "agent" and not environment_ids:
        raise errors.InvalidRequestError("predictionEnvironmentIds: an agent's token names at least one")
    if kind == "agent" and user_id is not None:
        raise errors.InvalidRequestError("userId: an agent's token belongs to no user")
    if kind != "agent":
        check_scope(role, environment_ids)
    for environment_id in environment_ids:
        tx.environments.record(environment_id)
    if user_id is not None:
        tx.users.record(user_id)
    if tx.access.name_taken(name):
        raise errors.ConflictError(f"a user or an access token is named {name} already: revoke it or take another name")
