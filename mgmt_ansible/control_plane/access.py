"""Access: who somebody is, by a token, a session or a one-time login link."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypedDict

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access_rules import check_some_admin, check_token
from mgmt_ansible.control_plane.credentials import new_secret, new_token, sha256_hex
from mgmt_ansible.control_plane.principals import Principal, principal_of
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.audit import AuditSubject
from mgmt_ansible.control_plane.store.records import TokenRecord, UserRecord
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2

__all__ = ["COOKIE_ATTRIBUTES", "SESSION_COOKIE", "Access", "Principal", "SessionLimits"]

SESSION_COOKIE = "mgmt_ansible_session"
COOKIE_LIFE = timedelta(days=30)
"""A browser forgets a session then at the latest; the control plane mostly does before, see `SessionLimits`."""
LOGIN_LINK_LIFE = timedelta(hours=12)

_HEADER = re.compile(r"(?i:bearer|token)\s+(\S+)\s*")
_TOUCH = timedelta(minutes=1)
"""A session's use is noted once in this time: each note is a write."""


class CookieAttributes(TypedDict):
    """Keyword arguments of a response's `set_cookie`."""

    httponly: bool
    samesite: Literal["strict"]
    max_age: int
    path: str


COOKIE_ATTRIBUTES: CookieAttributes = {
    "httponly": True,
    "samesite": "strict",
    "max_age": int(COOKIE_LIFE.total_seconds()),
    "path": "/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """When a session ends by itself.

    Attributes:
        idle: Without a request for that long; an open page asks by itself.
        life: After it began, whatever happens.
    """

    idle: timedelta = timedelta(hours=12)
    life: timedelta = timedelta(days=7)


class Access:
    """Decides who somebody is; secrets are stored as their sha256 only."""

    def __init__(self, store: Store, limits: SessionLimits = SessionLimits()) -> None:
        self._store = store
        self._limits = limits

    def authenticate(self, header: str) -> Principal:
        """Return whom an `Authorization` header names: `Bearer` or `Token`, any spacing.

        Raises:
            AccessError: Not that form, an unknown or revoked token, or one of a disabled user.
        """
        match = _HEADER.fullmatch(header.strip())
        if match is None:
            raise errors.AccessError("Authorization: send `Bearer TOKEN`")
        return self._by_token(match.group(1))[1]

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

    def admits(self, *, header: str | None, cookie: str | None, as_before: Principal | None = None) -> bool:
        """Tell whether what let an endless answer begin is good still; that is no use of a session.

        Args:
            header: `Authorization`, or
            cookie: of a session.
            as_before: Who began it: with another role or scope by now, it is to be begun anew.
        """
        try:
            principal = self._session(cookie or "", touch=False) if header is None else self.authenticate(header)
        except errors.AccessError:
            return False
        return as_before is None or principal == as_before

    def create_token(
        self,
        *,
        name: str,
        kind: str,
        role: Role = Role.ADMIN,
        environment_ids: Sequence[str] = (),
        user_id: str | None = None,
    ) -> api_v2.AccessToken:
        """Create a token; its text is in the answer only.

        Args:
            name: Unique among users and the tokens that are not revoked; an agent is known by it.
            kind: `user` or `agent`.
            role: Of a person's token; an agent's has none.
            environment_ids: What an agent may serve; or all that a person's token sees, of which empty is everything.
            user_id: Whose it is; without one a service has it. It never may more than the user.

        Raises:
            ConflictError: The name is taken.
            InvalidRequestError: The environments do not fit the kind.
            NotFoundError: An environment, or the user, does not exist.
        """
        text = new_token()
        with self._store.write() as tx:
            check_token(tx, name=name, kind=kind, role=role, environment_ids=environment_ids, user_id=user_id)
            token = api_v2.AccessToken(
                id=make_id(),
                name=name,
                kind=kind,
                role=None if kind == "agent" else role,
                user_id=user_id,
                prediction_environment_ids=list(environment_ids),
                created_at=tx.now,
                token=text,
            )
            tx.access.insert_token(token, sha256=sha256_hex(text))
            _tell_token(tx, token)
        return token

    def has_user_token(self) -> bool:
        """Tell whether a token of a person was ever made."""
        with self._store.read() as tx:
            return tx.access.any_user_token()

    def create_first_token(self, text: str, keep: Callable[[], None]) -> None:
        """Create an administrator's token `admin` with this text, unless a user token was ever made.

        Args:
            text: The token.
            keep: Called before the token is good, while no other process can make one.
        """
        with self._store.write() as tx:
            if not tx.access.any_user_token():
                keep()
                token = api_v2.AccessToken(
                    id=make_id(),
                    name="admin",
                    kind="user",
                    role=Role.ADMIN,
                    prediction_environment_ids=[],
                    created_at=tx.now,
                )
                tx.access.insert_token(token, sha256=sha256_hex(text))
                _tell_token(tx, token)

    def revoke(self, token_id: str) -> None:
        """Revoke a token with its sessions and login links.

        Raises:
            NotFoundError: Unknown, or revoked before.
            ConflictError: Nobody could administrate any more.
        """
        with self._store.write() as tx:
            token = tx.access.find_token_by_id(token_id)
            if token is None or not tx.access.revoke(token_id, at=tx.now):
                raise errors.NotFoundError(f"access token {token_id} does not exist")
            tx.saved_views.forget_all(token_id)
            tx.audit.about("access_token", token_id, summary="revoked, with its sessions")
            if token.role is Role.ADMIN:
                check_some_admin(tx)

    def list_tokens(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.AccessToken]:
        """Return the tokens that are not revoked."""
        with self._store.read() as tx:
            return tx.access.list_tokens(limit=limit, offset=offset)

    def create_login_link(self, principal: Principal) -> api_v2.LoginLink:
        """Create a one-time link (`/login?code=...`), good for 12 hours, that signs this principal in."""
        code = new_secret()
        with self._store.write() as tx:
            expires_at = tx.now + LOGIN_LINK_LIFE
            owner = _owner(tx, principal)
            tx.access.insert_login_link(sha256_hex(code), owner=owner, expires_at=expires_at, now=tx.now)
        return api_v2.LoginLink(path=f"/login?code={code}", expires_at=expires_at)

    def redeem(self, code: str) -> str:
        """Turn a login code, once, into a session; return the cookie's value.

        Raises:
            AccessError: Unknown, used or expired.
        """
        with self._store.write() as tx:
            owner = tx.access.take_login_link(sha256_hex(code), now=tx.now)
            session = None if owner is None else self.begin(tx, owner)
        if session is None:
            raise errors.AccessError("this login link was used or is too old: make another with `mgmt-ansible login`")
        return session

    def token_login(self, token: str) -> str:
        """Turn a typed user token into a session; return the cookie's value; AccessError."""
        owner, principal = self._by_token(token.strip())
        if principal.kind != "user":
            raise errors.AccessError("this is an agent's token: pages take a user's")
        with self._store.write() as tx:
            return self.begin(tx, owner)

    def begin(self, tx: Transaction, owner: TokenRecord | UserRecord) -> str:
        """Begin a session in a transaction; return the cookie's value."""
        session = new_secret()
        expires_at = tx.now + self._limits.life
        tx.access.insert_session(sha256_hex(session), owner=owner, expires_at=expires_at, now=tx.now)
        _tell_sign_in(tx, owner)
        return session

    def session(self, cookie: str) -> Principal:
        """Return whose session a cookie is; AccessError when it expired, was ended, revoked, or left alone for too long."""
        return self._session(cookie, touch=True)

    def sign_out(self, cookie: str) -> None:
        """End a session; an unknown one is fine."""
        with self._store.write() as tx:
            tx.access.delete_session(sha256_hex(cookie))

    def _session(self, cookie: str, *, touch: bool) -> Principal:
        sha256 = sha256_hex(cookie)
        with self._store.read() as tx:
            now = tx.now
            found = tx.access.find_session(sha256, now=now, seen_since=now - self._limits.idle)
        owner = (found.token or found.user) if found else None
        principal = principal_of(owner) if owner else None
        if found is None or principal is None:
            raise errors.AccessError("the session has ended: sign in again")
        if touch and now - found.seen_at > _TOUCH:
            self._touch(sha256)
        return principal

    def _touch(self, sha256: str) -> None:
        """Note the use of a session; where nothing can be written now, it is read all the same."""
        with suppress(errors.StoreError), self._store.write() as tx:
            tx.access.touch_session(sha256, now=tx.now)

    def _by_token(self, token: str) -> tuple[TokenRecord, Principal]:
        with self._store.read() as tx:
            found = tx.access.find_token(sha256_hex(token))
        principal = principal_of(found) if found else None
        if found is None or principal is None:
            raise errors.AccessError("the access token is unknown or revoked")
        return found, principal


def _tell_token(tx: Transaction, token: api_v2.AccessToken) -> None:
    kind = f"{token.kind}'s token {token.name}" + (f" with role {token.role}" if token.role else "")
    places = f", for {', '.join(token.prediction_environment_ids)}" if token.prediction_environment_ids else ""
    tx.audit.about("access_token", token.id, summary=f"{kind} created{places}", action="create_token")


def _tell_sign_in(tx: Transaction, owner: TokenRecord | UserRecord) -> None:
    principal = principal_of(owner)
    if principal is not None:
        kind = "access_token" if isinstance(owner, TokenRecord) else "user"
        subject = AuditSubject(action="sign_in", target_kind=kind, target_id=owner.id)
        tx.audit.note(subject, actor=principal.name, role=principal.role or "")


def _owner(tx: Transaction, principal: Principal) -> TokenRecord | UserRecord:
    owner = (
        tx.access.find_token_by_id(principal.token_id)
        if principal.token_id
        else tx.users.record(principal.user_id or "")
    )
    if owner is None:
        raise errors.AccessError("the access token is unknown or revoked")
    return owner
