"""Who owns a deployment: a user, or a service by its token; who made it, until it is given to somebody else."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.control_plane.principals import Principal, principal_of
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import TokenRecord, UserRecord

MOST_OFFERED = 500


def maker_of(actor: str) -> str:
    """Return whose a thing is that somebody made: of `user/token`, a user's own token, the user."""
    return actor.partition("/")[0]


def possible_owners(tx: Transaction, environment_id: str) -> tuple[str, ...]:
    """Return the names of the users and services that see an environment, by name; at most 500 of each kind."""
    users = [tx.users.record(user.id) for user in tx.users.list(limit=MOST_OFFERED, offset=0).data]
    services = [token for token in tx.access.user_tokens(limit=MOST_OFFERED) if token.user is None]
    owners: tuple[TokenRecord | UserRecord, ...] = (*users, *services)
    holders = [principal_of(one) for one in owners]
    return tuple(sorted({one.name for one in holders if one and _sees(one, environment_id)}, key=str.casefold))


def owner_named(tx: Transaction, name: str, environment_id: str) -> str:
    """Return the name of a user or service as it is written there.

    Raises:
        InvalidRequestError: There is none, the user is disabled, or does not see the environment.
    """
    found = tx.users.find_by_name(name) or _service(tx, name)
    if found is None:
        raise errors.InvalidRequestError(f"owner: no user and no service is named {name}. Next: mgmt-ansible user list")
    holder = principal_of(found)
    if holder is None:
        raise errors.InvalidRequestError(f"owner: {found.name} is disabled. Next: mgmt-ansible user enable, or another")
    if not _sees(holder, environment_id):
        raise errors.InvalidRequestError(f"owner: {found.name} does not see this deployment's environment")
    return found.name


def _service(tx: Transaction, name: str) -> TokenRecord | None:
    services = (token for token in tx.access.user_tokens(limit=MOST_OFFERED) if token.user is None)
    return next((token for token in services if token.name.casefold() == name.casefold()), None)


def _sees(principal: Principal, environment_id: str) -> bool:
    return not principal.environment_ids or environment_id in principal.environment_ids
