"""Key files: 32 random octets as hexadecimal digits, for their owner only, and in no database and no backup."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def read_key(path: Path, *, make: bool) -> bytes:
    """Return the key of a file.

    Args:
        path: Of the file.
        make: Whether a missing one is made; of two who make it the first wins.

    Raises:
        OSError: It cannot be read or made.
        ValueError: It holds something else.
    """
    if make and not path.exists():
        _write_new(path, secrets.token_hex(KEY_BYTES) + "\n")
    key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    if len(key) != KEY_BYTES:
        raise ValueError(f"it must hold {2 * KEY_BYTES} hexadecimal digits")
    return key


def _write_new(path: Path, text: str) -> None:
    """Write a file (0600) whole or not at all, unless somebody else was first."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
