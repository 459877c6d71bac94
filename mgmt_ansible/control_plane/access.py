"""Access: tokens of people and agents, one-time login links, and browser sessions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypedDict

from mgmt_ansible import errors
from mgmt_ansible.control_plane.credentials import new_secret, new_token, sha256_hex
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2

SESSION_COOKIE = "mgmt_ansible_session"
SESSION_LIFE = timedelta(days=30)
LOGIN_LINK_LIFE = timedelta(hours=12)

_HEADER = re.compile(r"(?i:bearer|token)\s+(\S+)\s*")


class CookieAttributes(TypedDict):
    """Keyword arguments of a response's `set_cookie`."""

    httponly: bool
    samesite: Literal["strict"]
    max_age: int
    path: str


COOKIE_ATTRIBUTES: CookieAttributes = {
    "httponly": True,
    "samesite": "strict",
    "max_age": int(SESSION_LIFE.total_seconds()),
    "path": "/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: `kind` is `user` or `agent`; an agent has no role, and may only touch its `environment_ids`."""

    token_id: str
    name: str
    kind: str
    role: Role | None = None
    environment_ids: tuple[str, ...] = ()

    def may_serve(self, environment_id: str) -> bool:
        """Tell whether this agent may serve an environment."""
        return self.kind == "agent" and environment_id in self.environment_ids


class Access:
    """Decides who somebody is; secrets are stored as their sha256 only."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def authenticate(self, header: str) -> Principal:
        """Return whom an `Authorization` header names: `Bearer` or `Token`, any spacing.

        Raises:
            AccessError: Not that form, or an unknown or revoked token.
        """
        match = _HEADER.fullmatch(header.strip())
        if match is None:
            raise errors.AccessError("Authorization: send `Bearer TOKEN`")
        return self._principal(match.group(1))

    def identify(self, *, header: str | None, cookie: str | None) -> Principal:
        """Return whom a request names: by its `Authorization` header, without one by its session's cookie.

        Raises:
            AccessError: Nobody, or somebody who is not known any more.
        """
        if header is not None:
            return self.authenticate(header)
        if cookie is None:
            raise errors.AccessError("send `Authorization: Bearer TOKEN`, or sign in at /login")
        return self.session(cookie)

    def admits(self, *, header: str | None, cookie: str | None) -> bool:
        """Tell whether what let an endless answer begin is good still."""
        try:
            self.identify(header=header, cookie=cookie)
        except errors.AccessError:
            return False
        return True

    def create_token(
        self, *, name: str, kind: str, role: Role = Role.ADMIN, environment_ids: Sequence[str] = ()
    ) -> api_v2.AccessToken:
        """Create a token; its text is in the answer only.

        Args:
            name: Unique among the tokens that are not revoked; an agent is known by it.
            kind: `user` or `agent`.
            role: Of a user's token; an agent's has none.
            environment_ids: What an agent may serve; at least one for an agent, none for a user.

        Raises:
            ConflictError: The name is taken.
            InvalidRequestError: The environments do not fit the kind, or one does not exist.
        """
        if (kind == "agent") != bool(environment_ids):
            raise errors.InvalidRequestError("predictionEnvironmentIds: an agent's token names some, a user's none")
        with self._store.write() as tx:
            for environment_id in environment_ids:
                tx.environments.record(environment_id)
            if tx.access.name_taken(name):
                raise errors.ConflictError(f"an access token is named {name} already: revoke it or take another name")
            given = None if kind == "agent" else role
            return _insert_token(tx, new_token(), name=name, kind=kind, role=given, environment_ids=environment_ids)

    def has_user_token(self) -> bool:
        """Tell whether a token of a person was ever made."""
        with self._store.read() as tx:
            return tx.access.any_user_token()

    def create_first_token(self, text: str, keep: Callable[[], None]) -> None:
        """Create the user token `admin` with this text, unless a user token was ever made.

        Args:
            text: The token.
            keep: Called before the token is good, while no other process can make one.
        """
        with self._store.write() as tx:
            if not tx.access.any_user_token():
                keep()
                _insert_token(tx, text, name="admin", kind="user", role=Role.ADMIN, environment_ids=())

    def revoke(self, token_id: str) -> None:
        """Revoke a token with its sessions and login links; NotFoundError."""
        with self._store.write() as tx:
            if not tx.access.revoke(token_id, at=tx.now):
                raise errors.NotFoundError(f"access token {token_id} does not exist")

    def list_tokens(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.AccessToken]:
        """Return the tokens that are not revoked."""
        with self._store.read() as tx:
            return tx.access.list_tokens(limit=limit, offset=offset)

    def create_login_link(self, principal: Principal) -> api_v2.LoginLink:
        """Create a one-time link (`/login?code=...`), good for 12 hours, that signs this user in."""
        code = new_secret()
        with self._store.write() as tx:
            expires_at = tx.now + LOGIN_LINK_LIFE
            tx.access.insert_login_link(sha256_hex(code), token_id=principal.token_id, expires_at=expires_at)
        return api_v2.LoginLink(path=f"/login?code={code}", expires_at=expires_at)

    def redeem(self, code: str) -> str:
        """Turn a login code, once, into a session; return the cookie's value.

        Raises:
            AccessError: Unknown, used or expired.
        """
        session = new_secret()
        with self._store.write() as tx:
            token_id = tx.access.take_login_link(sha256_hex(code), now=tx.now)
            if token_id is not None:
                tx.access.insert_session(
                    sha256_hex(session), token_id=token_id, expires_at=tx.now + SESSION_LIFE, now=tx.now
                )
        if token_id is None:
            raise errors.AccessError("this login link was used or is too old: make another with `mgmt-ansible login`")
        return session

    def token_login(self, token: str) -> str:
        """Turn a typed user token into a session; return the cookie's value; AccessError."""
        principal = self._principal(token.strip())
        if principal.kind != "user":
            raise errors.AccessError("this is an agent's token: pages take a user's")
        session = new_secret()
        with self._store.write() as tx:
            tx.access.insert_session(
                sha256_hex(session), token_id=principal.token_id, expires_at=tx.now + SESSION_LIFE, now=tx.now
            )
        return session

    def session(self, cookie: str) -> Principal:
        """Return whose session a cookie is; AccessError when expired, ended or revoked."""
        with self._store.read() as tx:
            token = tx.access.find_session(sha256_hex(cookie), now=tx.now)
        if token is None:
            raise errors.AccessError("the session has ended: sign in again")
        return _principal(token)

    def sign_out(self, cookie: str) -> None:
        """End a session; an unknown one is fine."""
        with self._store.write() as tx:
            tx.access.delete_session(sha256_hex(cookie))

    def _principal(self, token: str) -> Principal:
        with self._store.read() as tx:
            found = tx.access.find_token(sha256_hex(token))
        if found is None:
            raise errors.AccessError("the access token is unknown or revoked")
        return _principal(found)


def _insert_token(
    tx: Transaction, text: str, *, name: str, kind: str, role: Role | None, environment_ids: Sequence[str]
) -> api_v2.AccessToken:
    token = api_v2.AccessToken(
        id=make_id(),
        name=name,
        kind=kind,
        role=role,
        prediction_environment_ids=list(environment_ids),
        created_at=tx.now,
        token=text,
    )
    tx.access.insert_token(
        token.id,
        name=name,
        kind=kind,
        role=role.value if role else None,
        environment_ids=environment_ids,
        sha256=sha256_hex(text),
        created_at=tx.now,
    )
    return token


def _principal(token: api_v2.AccessToken) -> Principal:
    return Principal(
        token_id=token.id,
        name=token.name,
        kind=token.kind,
        role=token.role,
        environment_ids=tuple(token.prediction_environment_ids),
    )
