"""Runs: one execution of one playbook, asked for and finished, as plain serialisable values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mgmt_ansible.domain.outcomes import HostOutcome


class RunStatus(StrEnum):
    """Position of a run; words of ansible-runner."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Everything about a run but where keys and inventories lie: those are looked up where it executes.

    Attributes:
        run_id: 24 hex digits.
        action_id: The action that it belongs to.
        environment_id: Names the binding (inventory, pattern, become, vault) of the executing agent.
        playbook: File name without `.yml`: the action's type, or `deployment_cancel`.
        hosts: The wave; becomes the run's limit.
        variables: Extra vars: exactly one key, `mgmt_event`, every string in it wrapped unsafe.
        archive_digest: sha256 of the archive that the run needs at `files/package`; None when none.
        timeout_seconds: For the whole run.
        check: Ansible's check mode.
    """

    run_id: str
    action_id: str
    environment_id: str
    playbook: str
    hosts: tuple[str, ...]
    variables: Mapping[str, object]
    archive_digest: str | None = None
    timeout_seconds: float = 600.0
    check: bool = False

    @property
    def hash(self) -> str:
        """64 hex digits over all but the run's own id: the same action rendered again gives the same."""
        value = [
            self.action_id,
            self.environment_id,
            self.playbook,
            list(self.hosts),
            self.variables,
            self.archive_digest,
            self.check,
        ]
        return hashlib.sha256(json.dumps(value, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """A finished run.

    Attributes:
        status: Final.
        hosts: Host name -> outcome: every host of the request, in its order.
        started_at: Aware, UTC.
        ended_at: Aware, UTC.
        message: One sentence about the run as a whole; empty when there is nothing to say.
        log_tail: Ansible's own output, redacted, the last 64,000 characters.
        log_lines: How many lines Ansible's output had; 0 from an agent that does not tell.
        ansible_version: Of the interpreter that ran it; empty when it never started.
    """

    run_id: str
    status: RunStatus
    hosts: Mapping[str, HostOutcome] = field(default_factory=dict)
    started_at: datetime
    ended_at: datetime
    message: str = ""
    log_tail: str = ""
    log_lines: int = 0
    ansible_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """Where a run is.

    Attributes:
        step: Name of the task that began or ended.
        host: Inventory name; empty for the play as a whole.
        message: One line.
        at: Aware, UTC.
    """

    run_id: str
    step: str
    host: str = ""
    message: str = ""
    at: datetime
