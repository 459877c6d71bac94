"""Runs as agents reported them."""

from __future__ import annotations

from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2


class Runs:
    """Reads runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_runs(
        self,
        *,
        deployment_id: str | None = None,
        action_id: str | None = None,
        status: RunStatus | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.Page[api_v2.Run]:
        """Return runs, newest first, without their `log_tail`."""
        with self._store.read() as tx:
            return tx.runs.list(
                deployment_id=deployment_id, action_id=action_id, status=status, limit=limit, offset=offset
            )

    def get_run(self, run_id: str) -> api_v2.Run:
        """Return one with its `log_tail`; NotFoundError."""
        with self._store.read() as tx:
            return tx.runs.get(run_id)
