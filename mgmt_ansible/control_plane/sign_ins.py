"""Signing in: by name and password, a typed token or a login link; throttled, and with one answer for all that is wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Access
from mgmt_ansible.control_plane.buckets import Buckets
from mgmt_ansible.control_plane.passwords import Passwords
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.audit import REFUSED, AuditSubject
from mgmt_ansible.control_plane.store.records import UserRecord

NAME_TRIES = 10
NAME_SECONDS = 30.0
"""Wrong passwords of one name: ten at once, then one in half a minute."""
ADDRESS_TRIES = 30
ADDRESS_SECONDS = 5.0
"""Whatever is wrong, from one address: thirty at once, then one in five seconds."""

_WRONG = "the name or the password is wrong"


class SignIns:
    """Opens sessions.

    Args:
        store: Where users are.
        access: Begins sessions.
        passwords: Compares.
        monotonic: Tells seconds that never go back.
    """

    def __init__(
        self,
        store: Store,
        access: Access,
        passwords: Passwords,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._access = access
        self._passwords = passwords
        self._names = Buckets(1 / NAME_SECONDS, most=NAME_TRIES, monotonic=monotonic)
        self._addresses = Buckets(1 / ADDRESS_SECONDS, most=ADDRESS_TRIES, monotonic=monotonic)

    def with_password(self, name: str, password: str, *, address: str) -> str:
        """Return a new session's cookie.

        An unknown name, a disabled user and a wrong password are answered alike, in the same time.

        Raises:
            AccessError: Something of that.
            TooManyRequestsError: Too many were wrong, of this name or from this address.
        """
        folded = name.casefold()
        self._take(folded, address)
        with self._store.read() as tx:
            user = tx.users.find_by_name(name)
        if not self._passwords.match(user.password_hash if user else None, password) or user is None or user.disabled:
            self._refuse("user", user.id if user else "", name=user.name if user else "unknown name", address=address)
            raise errors.AccessError(_WRONG)
        session = self._begin(user, password)
        self._names.give_back(folded)
        self._addresses.give_back(address)
        return session

    def with_token(self, token: str, *, address: str) -> str:
        """Return a new session's cookie for a typed token; AccessError, TooManyRequestsError."""
        self._take(None, address)
        with self._refused("access_token", address):
            session = self._access.token_login(token)
        self._addresses.give_back(address)
        return session

    def with_link(self, code: str, *, address: str) -> str:
        """Return a new session's cookie for a login link's code; AccessError, TooManyRequestsError."""
        self._take(None, address)
        with self._refused("login_link", address):
            session = self._access.redeem(code)
        self._addresses.give_back(address)
        return session

    def _take(self, name: str | None, address: str) -> None:
        """Count a try until it proves good."""
        waits = [self._addresses.take(address)]
        if not waits[0] and name is not None:
            waits.append(self._names.take(name))
        if any(waits):
            seconds = math.ceil(max(waits))
            raise errors.TooManyRequestsError(f"too many tries to sign in: try again in {seconds} s", seconds=seconds)

    @contextmanager
    def _refused(self, kind: str, address: str) -> Iterator[None]:
        try:
            yield
        except errors.AccessError:
            self._refuse(kind, "", name="nobody", address=address)
            raise

    def _refuse(self, kind: str, target_id: str, *, name: str, address: str) -> None:
        """Tell the audit; a name that nobody has is not told, as people type passwords there."""
        subject = AuditSubject(action="sign_in", target_kind=kind, target_id=target_id)
        with self._store.write() as tx:
            tx.audit.note(subject, outcome=REFUSED, actor=name, address=address)

    def _begin(self, user: UserRecord, password: str) -> str:
        """Begin a session, unless the user was changed while the password was compared."""
        rehashed = self._passwords.hash(password) if self._passwords.is_outdated(user.password_hash or "") else None
        with self._store.write() as tx:
            if tx.users.record(user.id) != user:
                raise errors.AccessError(_WRONG)
            values: dict[str, object] = {"signed_in_at": tx.now}
            tx.users.update(user.id, values if rehashed is None else {**values, "password_hash": rehashed})
            return self._access.begin(tx, user)
