"""What the command line exits with: one table for errors, one for actions. Source: design, "Errors"."""

from __future__ import annotations

from enum import IntEnum

from mgmt_ansible.domain.actions import ActionStatus


class ExitCode(IntEnum):
    """The closed set of exit codes (130 is the shell's own for Ctrl-C)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    CONFLICT = 4
    UNREACHED = 5


BY_ERROR = {
    "config": ExitCode.USAGE,
    "invalid_request": ExitCode.USAGE,
    "archive": ExitCode.USAGE,
    "render": ExitCode.USAGE,
    "access": ExitCode.USAGE,
    "forbidden": ExitCode.USAGE,
    "too_many_requests": ExitCode.FAILED,
    "not_found": ExitCode.CONFLICT,
    "gone": ExitCode.CONFLICT,
    "conflict": ExitCode.CONFLICT,
    "transition": ExitCode.CONFLICT,
    "claim_lost": ExitCode.CONFLICT,
    "execution": ExitCode.FAILED,
    "runner_unavailable": ExitCode.FAILED,
    "inventory": ExitCode.FAILED,
    "parse": ExitCode.FAILED,
    "store": ExitCode.FAILED,
    "store_unavailable": ExitCode.FAILED,
    "control_plane": ExitCode.FAILED,
    "control_plane_unavailable": ExitCode.UNREACHED,
    "wait_timeout": ExitCode.UNKNOWN,
    "plugin": ExitCode.FAILED,
    "quickstart": ExitCode.FAILED,
    "internal": ExitCode.FAILED,
}
"""Error code -> exit code; a test holds it against the whole error tree."""

BY_STATUS = {
    ActionStatus.SUCCEEDED: ExitCode.DONE,
    ActionStatus.FAILED: ExitCode.FAILED,
    ActionStatus.CANCELED: ExitCode.FAILED,
    ActionStatus.SUPERSEDED: ExitCode.CONFLICT,
    ActionStatus.UNKNOWN: ExitCode.UNKNOWN,
}
"""Final status of an action -> exit code."""
