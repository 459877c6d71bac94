"""Actions, through `/api/v2`: look, wait, cancel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from mgmt_ansible import errors
from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.actions import FINAL, ActionSpec, ActionStatus
from mgmt_ansible.wire import agent_v1
from mgmt_ansible.wire.api_v2 import Action

_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 1.0
_OUTAGE_SECONDS = 60.0


class Actions:
    """Verbs on actions."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_actions(self, *, deployment_id: str | None = None, status: ActionStatus | None = None) -> Iterator[Action]:
        """Yield actions, newest first, page after page."""
        return self._transport.pages(Action, "actions/", {"deploymentId": deployment_id, "status": status})

    def get_action(self, action_id: str) -> Action:
        """Return one action; NotFoundError without it."""
        return self._transport.get(Action, f"actions/{segment(action_id)}/")

    def get_spec(self, action_id: str) -> ActionSpec:
        """Return the action as it was accepted, for rendering it again."""
        body = self._transport.read("GET", f"actions/{segment(action_id)}/spec/")
        return agent_v1.parse_json(agent_v1.ACTION_SPEC, body)

    def read_status(self, status_id: str) -> bytes:
        """Return what a `Location` of long work leads to: its progress as JSON, or what it was about when it is done."""
        return self._transport.read("GET", f"status/{segment(status_id)}/")

    def cancel(self, action_id: str) -> None:
        """Cancel an action: at once when it is pending, else the agent is asked; ConflictError when it is final."""
        self._transport.read("POST", f"actions/{segment(action_id)}/cancel/")

    def wait_for_action(
        self,
        action_id: str,
        *,
        on_progress: Callable[[Action], None] | None = None,
        timeout_seconds: float | None = None,
    ) -> Action:
        """Block until an action is final, through short outages of the control plane.

        Args:
            action_id: Which one.
            on_progress: Called with the action after each look at it, the last one included.
            timeout_seconds: How long to wait; None means as long as it takes.

        Returns:
            The final action; a failed one is a value, not an error.

        Raises:
            ControlPlaneUnavailableError: It did not answer for 60 seconds.
            WaitTimeoutError: The action is not final after `timeout_seconds`; it goes on.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        pause = _FIRST_POLL_SECONDS
        while True:
            action = self._look(action_id)
            if on_progress is not None:
                on_progress(action)
            if action.status in FINAL:
                return action
            if deadline is not None and time.monotonic() + pause > deadline:
                raise errors.WaitTimeoutError(f"action {action_id} is {action.status} after {timeout_seconds:g} s")
            time.sleep(pause)
            pause = min(pause * 1.2, _LONGEST_POLL_SECONDS)

    def _look(self, action_id: str) -> Action:
        deadline = time.monotonic() + _OUTAGE_SECONDS
        while True:
            try:
                return self.get_action(action_id)
            except errors.ControlPlaneUnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LONGEST_POLL_SECONDS)
