"""Passwords: argon2id hashes, made and compared by few threads at a time, as each takes 64 MiB.

Source: RFC 9106, second recommended option: 3 passes, 64 MiB, 4 lanes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import argon2

from mgmt_ansible import errors

_AT_A_TIME = 2
_WAIT_SECONDS = 5.0
_NOBODYS = "the password of nobody"


class Passwords:
    """Hashes and compares passwords.

    Args:
        hasher: With its parameters; None takes those of RFC 9106.
    """

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher()
        self._room = threading.BoundedSemaphore(_AT_A_TIME)
        self._nobodys_hash = ""

    def hash(self, password: str) -> str:
        """Return what to store; TooManyRequestsError when too many are at it."""
        with self._turn():
            return self._hasher.hash(password)

    def match(self, password_hash: str | None, password: str) -> bool:
        """Tell whether a password is the one; without a hash it takes as long, and is not.

        Raises:
            TooManyRequestsError: Too many are at it.
        """
        with self._turn():
            self._nobodys_hash = self._nobodys_hash or self._hasher.hash(_NOBODYS)
            try:
                self._hasher.verify(password_hash or self._nobodys_hash, password)
            except argon2.exceptions.VerifyMismatchError:
                return False
            except argon2.exceptions.InvalidHashError as exc:
                raise errors.StoreError("a stored password hash is damaged: set a new password") from exc
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than these."""
        return self._hasher.check_needs_rehash(password_hash)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._room.acquire(timeout=_WAIT_SECONDS):
            raise errors.TooManyRequestsError(
                "too many people sign in at this moment: try again", seconds=_WAIT_SECONDS
            )
        try:
            yield
        finally:
            self._room.release()
