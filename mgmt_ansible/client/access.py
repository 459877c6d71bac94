"""Users, access tokens and login links, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire.api_v2 import AccessToken, AccessTokenIn, LoginLink, User, UserIn, UserPatch


class Access:
    """Verbs on access."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_users(self) -> Iterator[User]:
        """Yield every user by name."""
        return self._transport.pages(User, "users/")

    def create_user(self, user: UserIn) -> User:
        """Create a user; ConflictError when the name is taken."""
        return self._transport.send(User, "POST", "users/", body=user)

    def get_user(self, user_id: str) -> User:
        """Return one user; NotFoundError without them."""
        return self._transport.get(User, f"users/{segment(user_id)}/")

    def change_user(self, user_id: str, change: UserPatch) -> User:
        """Change a user; fields that are None stay."""
        return self._transport.send(User, "PATCH", f"users/{segment(user_id)}/", body=change)

    def list_tokens(self) -> Iterator[AccessToken]:
        """Yield every token, without the secret itself."""
        return self._transport.pages(AccessToken, "accessTokens/")

    def create_token(
        self,
        name: str,
        *,
        kind: str,
        role: Role = Role.VIEWER,
        environment_ids: Sequence[str] = (),
        user_id: str | None = None,
    ) -> AccessToken:
        """Create a token; the answer is the only time that `token` is told.

        Args:
            name: Who will use it; an agent is listed by this name.
            kind: `user` or `agent`.
            role: What a user's token may do; an agent's has none.
            environment_ids: What an agent may serve, or all that a user's token sees, of which empty is everything.
            user_id: The user whose token it is; None for a service's.
        """
        body = AccessTokenIn(
            name=name, kind=kind, role=role, user_id=user_id, prediction_environment_ids=list(environment_ids)
        )
        return self._transport.send(AccessToken, "POST", "accessTokens/", body=body)

    def revoke_token(self, token_id: str) -> None:
        """Revoke a token at once."""
        self._transport.read("DELETE", f"accessTokens/{segment(token_id)}/")

    def create_login_link(self) -> LoginLink:
        """Create a link that opens the pages once, without typing the token."""
        return self._transport.send(LoginLink, "POST", "loginLinks/")
