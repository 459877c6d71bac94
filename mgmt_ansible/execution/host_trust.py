"""Approving a host's key: what the host shows, what known_hosts files say, and the line that is added. Never overwrites."""

from __future__ import annotations

import base64
import binascii
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.execution.host_keys import (
    Finding,
    HostKey,
    KnownLine,
    Verdict,
    add_line,
    judge,
    read_known_hosts,
)
from mgmt_ansible.execution.preflight_keys import removal
from mgmt_ansible.execution.ssh_options import SshOptions

_SECONDS = 10
_MOST_OUTPUT = 64 << 10
_FIELDS = 3
_BEST_FIRST = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
"""`HostKeyAlgorithms` of ssh_config(5), by kind of key."""

_NOWHERE = frozenset({Path("/dev/null"), Path("none")})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKeys:
    """What a host shows and what is known of it.

    Attributes:
        host: Inventory name.
        keys: Shown by the host just now, the kind that OpenSSH likes best first; nobody has vouched for them.
        known: Those of them that are trusted already.
        path: File that an approved key is added to.
    """

    host: str
    keys: tuple[HostKey, ...]
    known: tuple[KnownLine, ...]
    path: Path


def look_at_keys(host: str, options: SshOptions, environment: Mapping[str, str]) -> ShownKeys:
    """Ask a host for its keys, and hold them against the known ones.

    Args:
        host: Inventory name.
        options: What OpenSSH would do.
        environment: Of runs.

    Raises:
        ConflictError: A key is revoked, or another one is known; the message names the line and how it is removed.
        ExecutionError: The host shows no key, a proxy stands in between, or there is no file to add to.
    """
    if options.proxy:
        raise errors.ExecutionError(
            f"{options.proxy} stands in between: approve the key by hand with `{options.connect_command}`"
        )
    paths = [path for path in options.user_known_hosts if path not in _NOWHERE]
    if not paths:
        raise errors.ExecutionError("UserKnownHostsFile names no file that a key could be added to")
    lines = read_known_hosts((*options.user_known_hosts, *options.global_known_hosts))
    keys = _scan(options, environment)
    findings = [judge(key, options.key_names, lines) for key in keys]
    for key, finding in zip(keys, findings, strict=True):
        _refuse_conflict(host, key, finding, options)
    known = tuple(line for one in findings if one.verdict is Verdict.KNOWN for line in one.lines)
    if not known:
        _refuse_other_kinds(host, findings, options)
    return ShownKeys(host=host, keys=keys, known=known, path=paths[0])


def add_keys(shown: ShownKeys, options: SshOptions, keys: tuple[HostKey, ...]) -> None:
    """Add approved keys to the first file of `UserKnownHostsFile`.

    Raises:
        ExecutionError: The file cannot be written.
    """
    for key in keys:
        add_line(shown.path, options.key_names[0], key, hashed=options.hash_known_hosts)


def _refuse_conflict(host: str, key: HostKey, finding: Finding, options: SshOptions) -> None:
    if finding.verdict not in (Verdict.REVOKED, Verdict.CHANGED):
        return
    line = finding.lines[0]
    shown = f"{host} shows {key.kind} {key.fingerprint}"
    if finding.verdict is Verdict.REVOKED:
        raise errors.ConflictError(f"{shown}, which {line.place} revokes")
    raise errors.ConflictError(
        f"{shown}, but {line.place} knows {line.key.fingerprint}: the host was set up anew, or it is not the host. "
        f"Find out which; then run `{removal(finding, options)}` and try again"
    )


def _refuse_other_kinds(host: str, findings: list[Finding], options: SshOptions) -> None:
    """Refuse keys of a host that is known by other kinds of keys, which it does not show any more."""
    for finding in findings:
        if finding.lines and finding.verdict is Verdict.UNKNOWN:
            line = finding.lines[0]
            raise errors.ConflictError(
                f"{host} does not show the {line.key.kind} key that {line.place} knows: the host was set up anew, or it is "
                f"not the host. Find out which; then run `{removal(finding, options)}` and try again"
            )


def _scan(options: SshOptions, environment: Mapping[str, str]) -> tuple[HostKey, ...]:
    """Return the keys that the host shows to OpenSSH's own `ssh-keyscan`."""
    command = ["ssh-keyscan", "-T", str(_SECONDS), "-p", str(options.port), "--", options.hostname]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS * 3,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise errors.ExecutionError(f"ssh-keyscan does not answer: {exc}") from exc
    found = (_key(line) for line in done.stdout[:_MOST_OUTPUT].decode(errors="replace").splitlines())
    keys = tuple(sorted({key for key in found if key is not None}, key=_rank))
    if not keys:
        words = clean_text(done.stderr.decode(errors="replace").strip(), limit=500)
        raise errors.ExecutionError(f"{options.hostname} port {options.port} shows no host key. {words}".strip())
    return keys


def _rank(key: HostKey) -> tuple[int, str]:
    return _BEST_FIRST.index(key.kind) if key.kind in _BEST_FIRST else len(_BEST_FIRST), key.kind


def _key(line: str) -> HostKey | None:
    words = line.split()
    if len(words) != _FIELDS or line.startswith("#"):
        return None
    try:
        return HostKey(kind=words[1], blob=base64.b64decode(words[2], validate=True))
    except binascii.Error:
        return None
