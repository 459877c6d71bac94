"""Runs, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire.api_v2 import Run


class Runs:
    """Verbs on runs."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_runs(
        self, *, deployment_id: str | None = None, action_id: str | None = None, status: RunStatus | None = None
    ) -> Iterator[Run]:
        """Yield runs, newest first, page after page; without `log_tail`."""
        query = {"deploymentId": deployment_id, "actionId": action_id, "status": status}
        return self._transport.pages(Run, "runs/", query)

    def get_run(self, run_id: str) -> Run:
        """Return one run with the end of its log; NotFoundError without it."""
        return self._transport.get(Run, f"runs/{segment(run_id)}/")
