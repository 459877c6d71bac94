"""Actions as people see them."""

from __future__ import annotations

from mgmt_ansible.control_plane.canceling import cancel_action
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.actions import ActionSpec, ActionStatus
from mgmt_ansible.wire import api_v2


class Actions:
    """Reads actions and cancels them."""

    def __init__(self, store: Store, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    def get_action(self, action_id: str) -> api_v2.Action:
        """Return one; NotFoundError."""
        with self._store.read() as tx:
            return tx.actions.get(action_id)

    def get_spec(self, action_id: str) -> ActionSpec:
        """Return what was accepted; NotFoundError."""
        with self._store.read() as tx:
            return tx.actions.record(action_id).spec

    def list_actions(
        self, *, deployment_id: str | None = None, status: ActionStatus | None = None, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.Action]:
        """Return actions, newest first."""
        with self._store.read() as tx:
            return tx.actions.list(deployment_id=deployment_id, status=status, limit=limit, offset=offset)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return (type, status) -> number of actions."""
        with self._store.read() as tx:
            return tx.actions.counts()

    def cancel(self, action_id: str, *, actor: str) -> api_v2.Action:
        """Cancel a pending action at once, or ask the agent of a running one.

        Raises:
            ConflictError: It is final.
            NotFoundError: Unknown id.
        """
        with self._store.write() as tx:
            cancel_action(tx, tx.actions.record(action_id), actor=actor)
            action = tx.actions.get(action_id)
        self._wakeups.notify()
        return action
