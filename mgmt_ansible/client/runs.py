"""Runs and their logs, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO

from mgmt_ansible.client import server_sent_events
from mgmt_ansible.client.exporting import download
from mgmt_ansible.client.transport import Query, Transport, parse_answer, segment
from mgmt_ansible.domain.run_filters import ALL_RUNS, RunFilters
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.domain.table_formats import TableFormat
from mgmt_ansible.wire.api_v2 import Run, RunLog

_PIECE_BYTES = 64 * 1024
_QUIET_SECONDS = 45.0
"""Longer than the server's keep-alives: a stream that is quiet for so long is broken."""


class Runs:
    """Verbs on runs."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_runs(
        self,
        *,
        environment_id: str | None = None,
        deployment_id: str | None = None,
        action_id: str | None = None,
        status: RunStatus | Sequence[RunStatus] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        search: str | None = None,
    ) -> Iterator[Run]:
        """Yield runs, newest first, page after page; without `log_tail`.

        Args:
            environment_id: Only of this environment.
            deployment_id: Only of this deployment.
            action_id: Only of this action.
            status: Only with this status, or with one of these.
            since: Begun at that moment or later; aware.
            until: Begun before that moment; aware.
            search: Part of id, deployment id, playbook or message.
        """
        statuses = (status,) if isinstance(status, RunStatus) else tuple(status or ())
        filters = RunFilters(
            environment_id=environment_id,
            deployment_id=deployment_id,
            action_id=action_id,
            statuses=statuses,
            since=since,
            until=until,
            search=search or "",
        )
        return self._transport.pages(Run, "runs/", _query(filters))

    def export_runs(self, file: BinaryIO, form: TableFormat, filters: RunFilters = ALL_RUNS) -> int:
        """Write all runs of a filter to a file, newest first, without their logs; return how many they are.

        Args:
            file: Written to as they come; a large export is never wholly in memory.
            form: CSV with defused formulas, JSON lines with each host's outcome, or a table for Excel or Parquet.
            filters: Which ones.

        Raises:
            ControlPlaneUnavailableError: The connection broke; what was written is not whole.
        """
        return download(self._transport, "exports/runs/", {**_query(filters), "format": form}, file)

    def get_run(self, run_id: str) -> Run:
        """Return one run with the end of its log; NotFoundError without it."""
        return self._transport.get(Run, f"runs/{segment(run_id)}/")

    def read_log(self, run_id: str, *, first: int = 1, limit: int | None = None) -> RunLog:
        """Return lines of a run's log from a number on, at most 5,000."""
        return self._transport.get(RunLog, f"runs/{segment(run_id)}/log/", {"first": first, "limit": limit})

    def follow_log(self, run_id: str, *, first: int = 1) -> Iterator[RunLog]:
        """Yield a run's log as it comes, until the run has ended; the last value has no `next_line`.

        Raises:
            ControlPlaneUnavailableError: The stream broke; ask again from the number after the last line.
        """
        path = f"runs/{segment(run_id)}/log/stream/"
        with self._transport.open(
            "GET",
            path,
            query={"first": first},
            headers={"Accept": "text/event-stream"},
            read_timeout_seconds=_QUIET_SECONDS,
        ) as response:
            for message in server_sent_events.parse(response.iter_content(None)):
                if message.name in ("log", "ended"):
                    yield parse_answer(RunLog, message.data.encode())

    def raw_log(self, run_id: str, *, first: int = 1) -> Iterator[bytes]:
        """Yield a run's log as text in UTF-8, a piece at a time; what was lost is a line in brackets."""
        path = f"runs/{segment(run_id)}/log/"
        with self._transport.open("GET", path, query={"first": first}, headers={"Accept": "text/plain"}) as response:
            yield from response.iter_content(_PIECE_BYTES)


def _query(filters: RunFilters) -> Query:
    return {
        "predictionEnvironmentId": filters.environment_id,
        "deploymentId": filters.deployment_id,
        "actionId": filters.action_id,
        "status": [one.value for one in filters.statuses] or None,
        "since": filters.since.isoformat() if filters.since else None,
        "until": filters.until.isoformat() if filters.until else None,
        "search": filters.search or None,
    }
