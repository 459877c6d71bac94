"""What people type -> the channel, the policy, or the thing that notifications are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgmt_ansible import errors
from mgmt_ansible.cli import references, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from mgmt_ansible.client import Client
    from mgmt_ansible.wire.notifications import NotificationChannel, NotificationPolicy

    _T = TypeVar("_T", NotificationChannel, NotificationPolicy)


def find_channel(client: Client, reference: str) -> NotificationChannel:
    """Return the channel with this id or name.

    Raises:
        NotFoundError: None has it.
        ConflictError: Several have this name.
    """
    return _only("channel", reference, client.notifications.list_channels())


def find_policy(client: Client, reference: str) -> NotificationPolicy:
    """Return the policy with this id or name; errors as of `find_channel`."""
    return _only("policy", reference, client.notifications.list_policies())


def scope_of(client: Client, deployment: str | None, environment: str | None) -> dict[str, object]:
    """Return the fields of a body that say what it is for; without both it is for everything.

    Raises:
        InvalidRequestError: Both are named.
    """
    if deployment and environment:
        raise errors.InvalidRequestError("--deployment, --environment: give one of both")
    if deployment:
        found = references.find_deployment(client, deployment).id
        return {"related_entity_type": "deployment", "related_entity_id": found}
    if environment:
        found = references.find_environment(client, environment).id
        return {"related_entity_type": "predictionEnvironment", "related_entity_id": found}
    return {}


def _only(kind: str, reference: str, all_of_them: Iterable[_T]) -> _T:
    found = [one for one in all_of_them if reference in (one.id, one.name)]
    shown = text.clean(reference)
    if not found:
        raise errors.NotFoundError(
            f"no notification {kind} is named {shown!r}; see `mgmt-ansible notification {kind} list`"
        )
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise errors.ConflictError(f"{shown!r} means {len(found)} notification {kind}s; name one of: {ids}")
    return found[0]
