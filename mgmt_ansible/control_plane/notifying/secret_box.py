"""A box for secrets: what is in the database can be read only with the key beside it, which is in no database and no backup of one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mgmt_ansible import errors
from mgmt_ansible.control_plane.key_files import read_key

_NONCE_BYTES = 12
_NAME_CHARACTERS = 8


class SecretBox:
    """Seals texts with AES-256-GCM.

    Args:
        path: Of the key, 64 hexadecimal digits; made at the first sealing, for its owner only (0600).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, text: str, *, about: str) -> str:
        """Return a text that only this key opens, and only as being about the same.

        Raises:
            ConfigError: The key cannot be read or made.
        """
        key = self._key(make=True)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), about.encode())
        return f"{_name(key)}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, about: str) -> str:
        """Return what was sealed.

        Raises:
            ConfigError: The key is not there, is another one, or the text was changed or is about something else.
        """
        name, _, body = sealed.partition(":")
        key = self._key(make=False)
        if name != _name(key):
            raise errors.ConfigError(
                f"notifications/key_file: {self._path} is not the key that secrets were sealed with: bring the old one back, or"
                " enter the channel's secrets again"
            )
        try:
            octets = base64.b64decode(body, validate=True)
            return AESGCM(key).decrypt(octets[:_NONCE_BYTES], octets[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as exc:
            raise errors.ConfigError(
                "a notification channel's secrets were changed in the database: enter them again"
            ) from exc

    def _key(self, *, make: bool) -> bytes:
        try:
            return read_key(self._path, make=make)
        except (OSError, ValueError) as exc:
            raise errors.ConfigError(f"notifications/key_file: {self._path} cannot be read: {exc}") from exc


def _name(key: bytes) -> str:
    """Return a name for a key that tells nothing of it."""
    return hashlib.sha256(b"name of key:" + key).hexdigest()[:_NAME_CHARACTERS]
