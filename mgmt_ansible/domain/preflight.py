"""Preflight: advice about hosts before anything is run on them. It never fails a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mgmt_ansible.domain.outcomes import Cause, Evidence

MOST_CHECKED_HOSTS = 50
"""Hosts in one report of a preflight; more make several reports."""


class CheckName(StrEnum):
    """What is looked at, in this order; closed.

    `reachable` a TCP connection; `ssh` protocol and versions; `host_key`; `auth`; `terminal` whether a session with one lives;
    `python`; `become` without a password; `base_dir` can be written; `space` and `inodes` there; `remote_tmp` can be
    written; `clock` against this machine's; `boot_start` units of systemd, or a crontab.
    """

    REACHABLE = "reachable"
    SSH = "ssh"
    HOST_KEY = "host_key"
    AUTH = "auth"
    TERMINAL = "terminal"
    PYTHON = "python"
    BECOME = "become"
    BASE_DIR = "base_dir"
    SPACE = "space"
    INODES = "inodes"
    REMOTE_TMP = "remote_tmp"
    CLOCK = "clock"
    BOOT_START = "boot_start"


class CheckStatus(StrEnum):
    """What a check found; closed. `failed` means that a run would fail too, `skipped` that nobody looked."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding about one host.

    Attributes:
        cause: With `failed` only.
        message: One sentence, redacted.
        next_command: What to type, or to set, next; empty when nothing is to be done.
    """

    name: CheckName
    status: CheckStatus
    message: str
    cause: Cause | None = None
    evidence: tuple[Evidence, ...] = ()
    next_command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """All findings about one host.

    Attributes:
        host: Inventory name.
        checks: Every name once, in the order of `CheckName`.
        seconds: How long looking took.
    """

    environment_id: str
    host: str
    checks: tuple[Check, ...]
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether a run would fail on this host."""
        return any(check.status is CheckStatus.FAILED for check in self.checks)


def ok(name: CheckName, message: str) -> Check:
    """Return a finding that is fine."""
    return Check(name=name, status=CheckStatus.OK, message=message)


def skipped(name: CheckName, message: str) -> Check:
    """Return that nobody looked, and why."""
    return Check(name=name, status=CheckStatus.SKIPPED, message=message)


def warning(name: CheckName, message: str, proof: str, command: str = "", *, kind: str = "message") -> Check:
    """Return a finding that does not stop a run.

    Args:
        name: Of the check.
        message: One sentence.
        proof: Text of the evidence; empty for none.
        command: See `Check.next_command`.
        kind: Of the evidence.
    """
    evidence = (Evidence(kind=kind, text=proof),) if proof else ()
    return Check(name=name, status=CheckStatus.WARNING, message=message, evidence=evidence, next_command=command)


def failed(
    name: CheckName, cause: Cause, message: str, proof: str, command: str = "", *, kind: str = "message"
) -> Check:
    """Return a finding that would stop a run; see `warning`."""
    found = warning(name, message, proof, command, kind=kind)
    return replace(found, status=CheckStatus.FAILED, cause=cause)


def complete(found: Iterable[Check], reason: str) -> tuple[Check, ...]:
    """Return findings in order, with `skipped` for whatever was not looked at.

    Args:
        found: Each name at most once.
        reason: Why the others were not looked at; one sentence.
    """
    known = {check.name: check for check in found}
    return tuple(known.get(name) or skipped(name, reason) for name in CheckName)
