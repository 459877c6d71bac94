"""The feed of deployment events, through `/api/v2`: newest first, or as it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mgmt_ansible import errors
from mgmt_ansible.client import server_sent_events
from mgmt_ansible.client.exporting import download
from mgmt_ansible.client.transport import PAGE_SIZE, Query, Transport, parse_answer
from mgmt_ansible.domain.event_filters import EVERYTHING, EventFilters, ExportFormat
from mgmt_ansible.wire.api_v2 import DeploymentEvent, Page

_SILENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0


class DeploymentEvents:
    """Verbs on the feed."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_events(
        self, filters: EventFilters = EVERYTHING, *, before: int | None = None, after: int | None = None
    ) -> Iterator[DeploymentEvent]:
        """Yield entries, newest first, page after page; what comes meanwhile is not among them.

        Args:
            filters: Which ones.
            before: Only with a lower sequence.
            after: Only with a higher sequence.
        """
        query = {**_query(filters), "after": after, "limit": PAGE_SIZE}
        while True:
            page = self._transport.get(Page[DeploymentEvent], "deploymentEvents/", {**query, "before": before})
            yield from page.data
            if page.next is None or not page.data:
                return
            before = page.data[-1].sequence

    def export_events(self, file: BinaryIO, form: ExportFormat, filters: EventFilters = EVERYTHING) -> int:
        """Write all entries of a filter to a file, newest first, and return how many they are.

        Args:
            file: Written to as they come; a large export is never wholly in memory.
            form: CSV with defused formulas, JSON lines, lines of CloudEvents, or a table for Excel or Parquet.
            filters: Which ones.

        Raises:
            ControlPlaneUnavailableError: The connection broke; what was written is not whole.
        """
        query = {**_query(filters), "format": form}
        return download(self._transport, "deploymentEvents/export/", query, file)

    def follow_events(
        self, filters: EventFilters = EVERYTHING, *, after: int | None = None, patience_seconds: float | None = None
    ) -> Iterator[DeploymentEvent]:
        """Yield entries as they happen, oldest first, without end; lost connections are taken up where they broke.

        Args:
            filters: Which ones.
            after: Begin after this sequence; None begins with what happens from now on.
            patience_seconds: How long the control plane may be away before that is an error; None means for ever.

        Raises:
            ControlPlaneUnavailableError: It was away for longer than `patience_seconds`.
        """
        query = _query(filters)
        last, pause, answered_at = after, _FIRST_PAUSE_SECONDS, time.monotonic()
        while True:
            try:
                for deployment_event in self._stream(query, last):
                    last, pause, answered_at = deployment_event.sequence, _FIRST_PAUSE_SECONDS, time.monotonic()
                    yield deployment_event
            except errors.ControlPlaneUnavailableError:
                if patience_seconds is not None and time.monotonic() - answered_at > patience_seconds:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _stream(self, query: Query, last: int | None) -> Iterator[DeploymentEvent]:
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        with self._transport.open(
            "GET", "deploymentEvents/stream/", query=query, headers=headers, read_timeout_seconds=_SILENCE_SECONDS
        ) as response:
            for message in server_sent_events.parse(response.iter_content(None)):
                if message.name == "deployment_event":
                    yield parse_answer(DeploymentEvent, message.data.encode())


def _query(filters: EventFilters) -> dict[str, str | Sequence[str] | None]:
    return {
        "deploymentId": filters.deployment_id,
        "predictionEnvironmentId": filters.environment_id,
        "host": filters.hosts,
        "type": filters.types,
        "category": filters.categories,
        "health": filters.healths,
        "actor": filters.actor,
        "since": filters.since.isoformat() if filters.since else None,
        "until": filters.until.isoformat() if filters.until else None,
        "search": filters.search or None,
    }
