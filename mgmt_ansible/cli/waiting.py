"""Waiting for an action: a live line on a terminal, plain lines elsewhere, both on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

import typer

from mgmt_ansible.cli import exit_codes, host_results, output, text
from mgmt_ansible.cli.options import Session

if TYPE_CHECKING:
    from mgmt_ansible.domain.next_steps import NextStep
    from mgmt_ansible.domain.outcomes import Cause, HostOutcome
    from mgmt_ansible.wire.api_v2 import Action, ActionAccepted

_LINE_WIDTH = 110
_ERASE_LINE = "\r\x1b[K"


def conclude(session: Session, accepted: ActionAccepted, *, wait: bool) -> None:
    """Say that an action was accepted, or wait for it and exit with what became of it.

    Args:
        session: Of the command.
        accepted: The control plane's answer.
        wait: Whether the user wants to wait.

    Raises:
        Exit: With the action's exit code, when it was waited for.
    """
    if accepted.action_id is None:
        _say_accepted(session, accepted, "nothing to do")
        return
    if not wait:
        _say_accepted(session, accepted, f"accepted as action {accepted.action_id}")
        return
    action = watch_action(session, accepted.action_id)
    if session.output.json:
        output.print_json(output.as_json(action))
    else:
        _print_result(action)
    raise typer.Exit(exit_codes.BY_STATUS[action.status])


def watch_action(session: Session, action_id: str) -> Action:
    """Wait for an action and show its progress."""
    line = ProgressLine(sys.stderr)
    try:
        return session.client.actions.wait_for_action(action_id, on_progress=line.show)
    finally:
        line.end()


class ProgressLine:
    """Where an action is; a line is written again in place on a terminal, and once a change elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream."""
        self._stream = stream
        self._live = stream.isatty()
        self._last = ""

    def show(self, action: Action) -> None:
        """Show where the action is now."""
        line = text.clean(f"{action.type}: {action.status}" + (f": {action.progress}" if action.progress else ""))
        if line == self._last:
            return
        self._last = line
        self._stream.write(f"{_ERASE_LINE}{line[:_LINE_WIDTH]}" if self._live else f"{line}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the line as it was."""
        if self._live and self._last:
            self._stream.write(_ERASE_LINE)
            self._stream.flush()


def _say_accepted(session: Session, accepted: ActionAccepted, message: str) -> None:
    if session.output.json:
        output.print_json(output.as_json(accepted))
    else:
        print(text.clean(message))


def _print_result(action: Action) -> None:
    seconds = (
        f" in {(action.finished_at - action.requested_at).total_seconds():.1f} s"
        if action.finished_at is not None
        else ""
    )
    because = f" ({action.cause})" if action.cause else ""
    message = f": {action.message}" if action.message else ""
    print(text.clean(f"{action.type} {action.status}{seconds}{because}{message}"))
    for host in action.hosts:
        place = f" at {host.identity.url}" if host.identity is not None else ""
        reason = f" ({host.cause})" if host.cause else ""
        print(text.clean(f"  {host.host}: {host.outcome}{reason}{place} {host.message}").rstrip())
        told = (*host_results.facts(host), *(host_results.proofs(host) if host.cause or action.would else ()))
        for line in told:
            print(f"    {line}")
    for step in next_steps(action):
        print(text.clean(f"next: {step.sentence}"))
        print(text.clean(f"  {step.command}"))


def next_steps(action: Action) -> tuple[NextStep, ...]:
    """Return what to do about an action: a step a cause, with the first host that has it; none when all is fine."""
    from mgmt_ansible.domain.next_steps import next_step

    hosts: dict[Cause, HostOutcome | None] = {one.cause: one for one in reversed(action.hosts) if one.cause is not None}
    if not hosts and action.cause is not None:
        hosts[action.cause] = None
    return tuple(
        next_step(
            cause,
            environment=action.prediction_environment_id,
            deployment=action.deployment_id,
            host=host.host if host else None,
            old_model_in_use=host is not None and host.old_model_in_use,
        )
        for cause, host in reversed(hosts.items())
    )
