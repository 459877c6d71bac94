"""Principals: who asks, by a token or a session, with a role and a scope."""

from __future__ import annotations

from dataclasses import dataclass

from mgmt_ansible.control_plane.store.records import TokenRecord, UserRecord
from mgmt_ansible.domain.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks.

    Attributes:
        token_id: Of the token that was sent, or that opened the session; empty when a password did.
        name: For people: of the user, `user/token` for a user's token, or of the service's token.
        kind: `user` or `agent`.
        role: None for an agent.
        user_id: Of the user; None for an agent and a service.
        environment_ids: What an agent may serve, or all that a person sees; of the latter, empty is everything.
    """

    token_id: str
    name: str
    kind: str
    role: Role | None = None
    user_id: str | None = None
    environment_ids: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """By what their requests are counted: all of a user's together."""
        return self.user_id or self.token_id

    def may_serve(self, environment_id: str) -> bool:
        """Tell whether this agent may serve an environment."""
        return self.kind == "agent" and environment_id in self.environment_ids


def principal_of(owner: TokenRecord | UserRecord) -> Principal | None:
    """Return whom a token or a session stands for; None when the user is disabled.

    A user's token may what both may: the lesser role, and the environments that both name.
    """
    if isinstance(owner, UserRecord):
        return None if owner.disabled else _of_user(owner)
    if owner.user is None:
        return Principal(
            token_id=owner.id,
            name=owner.name,
            kind=owner.kind,
            role=owner.role,
            environment_ids=owner.environment_ids,
        )
    return None if owner.user.disabled else _of_users_token(owner, owner.user)


def _of_user(user: UserRecord) -> Principal:
    return Principal(
        token_id="",
        name=user.name,
        kind="user",
        role=user.role,
        user_id=user.id,
        environment_ids=user.environment_ids,
    )


def _of_users_token(token: TokenRecord, user: UserRecord) -> Principal | None:
    scope = _both(token.environment_ids, user.environment_ids)
    if scope is None:
        return None
    return Principal(
        token_id=token.id,
        name=f"{user.name}/{token.name}",
        kind="user",
        role=min(token.role or Role.VIEWER, user.role, key=tuple(Role).index),
        user_id=user.id,
        environment_ids=scope,
    )


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the environments of both scopes, of which empty is everything; None when they share none."""
    if not one or not other:
        return one or other
    shared = tuple(environment_id for environment_id in one if environment_id in other)
    return shared or None
