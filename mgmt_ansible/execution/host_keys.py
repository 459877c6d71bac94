"""Host keys: what known_hosts files say about one, and how an approved one is added. Source of the format: sshd(8)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mgmt_ansible import errors

_LARGEST_FILE_BYTES = 16 << 20
_LEAST_FIELDS = 3


class Verdict(StrEnum):
    """What known_hosts files say about a key; `certificate` means that an authority is named, which only OpenSSH can judge."""

    KNOWN = "known"
    CHANGED = "changed"
    REVOKED = "revoked"
    CERTIFICATE = "certificate"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A host's public key.

    Attributes:
        kind: Such as `ssh-ed25519`.
        blob: As on the wire.
    """

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """Return it as `ssh-keygen -l` prints it, such as `SHA256:...`."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLine:
    """A line of a known_hosts file.

    Attributes:
        marker: `@cert-authority`, `@revoked` or empty.
        names: Patterns, separated by commas, or one hashed name.
        number: Of the line, from 1.
    """

    marker: str
    names: str
    key: HostKey
    path: Path
    number: int

    @property
    def place(self) -> str:
        """Return `FILE:LINE`."""
        return f"{self.path}:{self.number}"

    def is_about(self, name: str) -> bool:
        """Tell whether the line holds for a lower-case name such as `web1` or `[web1]:2222`."""
        if self.names.startswith("|1|"):
            return _is_hash_of(self.names, name)
        patterns = self.names.lower().split(",")
        refused = any(_matches(pattern[1:], name) for pattern in patterns if pattern.startswith("!"))
        return not refused and any(_matches(pattern, name) for pattern in patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict and the lines that it stands on."""

    verdict: Verdict
    lines: tuple[KnownLine, ...] = ()


def read_known_hosts(paths: Iterable[Path]) -> tuple[KnownLine, ...]:
    """Return the usable lines of files; a file that is not there holds none.

    Raises:
        ExecutionError: A file cannot be read, or is larger than 16 MiB.
    """
    return tuple(line for path in paths for line in _lines(path))


def judge(key: HostKey, names: tuple[str, ...], lines: Iterable[KnownLine]) -> Finding:
    """Say what known lines make of a key, as OpenSSH does.

    Args:
        key: Of the host.
        names: See `SshOptions.key_names`; under all but the first a line can only speak for a key.
        lines: Of all files.
    """
    by_name = [[line for line in lines if line.is_about(name)] for name in names]
    everything = [line for found in by_name for line in found]
    same = [line for line in everything if line.key == key]
    for marker, verdict in (("@revoked", Verdict.REVOKED), ("", Verdict.KNOWN)):
        if found := tuple(line for line in same if line.marker == marker):
            return Finding(verdict=verdict, lines=found)
    if authorities := tuple(line for line in everything if line.marker == "@cert-authority"):
        return Finding(verdict=Verdict.CERTIFICATE, lines=authorities)
    others = tuple(line for line in by_name[0] if not line.marker) if by_name else ()
    changed = tuple(line for line in others if line.key.kind == key.kind)
    return (
        Finding(verdict=Verdict.CHANGED, lines=changed) if changed else Finding(verdict=Verdict.UNKNOWN, lines=others)
    )


def known_kinds(names: tuple[str, ...], lines: Iterable[KnownLine]) -> tuple[str, ...]:
    """Return the kinds of the keys that are known for names: a host is asked for those first, as OpenSSH does."""
    kinds = (line.key.kind for line in lines if not line.marker and any(line.is_about(name) for name in names))
    return tuple(dict.fromkeys(kinds))


def add_line(path: Path, name: str, key: HostKey, *, hashed: bool) -> None:
    """Append a key to a known_hosts file, which is made 0600 when absent; what stands there stays.

    Raises:
        ExecutionError: The file cannot be written.
    """
    written = _hashed(name) if hashed else name
    line = f"{written} {key.kind} {base64.b64encode(key.blob).decode()}\n".encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "rb+", buffering=0) as file:
            file.write(line if _ends_in_newline(file.fileno()) else b"\n" + line)
    except OSError as exc:
        raise errors.ExecutionError(f"{path} cannot be written: {exc.strerror}") from exc


def _ends_in_newline(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _lines(path: Path) -> Iterator[KnownLine]:
    try:
        if not path.is_file():
            return
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise errors.ExecutionError(f"{path} is larger than {_LARGEST_FILE_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as exc:
        raise errors.ExecutionError(f"{path} cannot be read: {exc.strerror}") from exc
    for number, words in enumerate(text.split("\n"), start=1):
        line = _line(words.split(), path, number)
        if line is not None:
            yield line


def _line(words: list[str], path: Path, number: int) -> KnownLine | None:
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < _LEAST_FIELDS or words[0].startswith("#"):
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except binascii.Error:
        return None
    return KnownLine(marker=marker, names=words[0], key=HostKey(kind=words[1], blob=blob), path=path, number=number)


def _matches(pattern: str, name: str) -> bool:
    parts = re.split(r"([*?])", pattern)
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts), name) is not None


def _is_hash_of(hashed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hashed[3:].split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _hashed(name: str) -> str:
    salt = secrets.token_bytes(20)
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
