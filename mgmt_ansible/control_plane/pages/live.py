"""Streams: a page learns that something changed, and asks for itself again.

A stream carries no markup: `event: changed` has the newest entry's title for screen readers, `event: quiet` says that the
connection lives, `event: ended` that the session is over. A reconnecting browser names the last entry it saw
(`Last-Event-ID`), so nothing is missed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from mgmt_ansible.control_plane.admissions import admission
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.wire import api_v2

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_SEQUENCE_DIGITS = 18


def stream_changes(request: Request, services: Services, filters: EventFilters, *, after: int) -> Response:
    """Return an answer that tells of entries after a sequence, until the session ends."""
    seen = request.headers.get("last-event-id", "")
    if seen.isascii() and seen.isdigit() and len(seen) <= _SEQUENCE_DIGITS:
        after = max(after, int(seen))
    admitted = admission(services.access, request)
    entries = services.deployment_events.follow(after, filters, admitted=admitted)
    return StreamingResponse(_messages(entries, admitted), media_type="text/event-stream", headers=HEADERS)


async def _messages(
    entries: AsyncIterator[api_v2.DeploymentEvent | None], admitted: Callable[[], bool]
) -> AsyncIterator[str]:
    yield "event: quiet\ndata: {}\n\n"  # at once, so that the page can say that it is live
    async for deployment_event in entries:
        yield "event: quiet\ndata: {}\n\n" if deployment_event is None else _changed(deployment_event)
    if not await asyncio.to_thread(admitted):
        yield "event: ended\ndata: {}\n\n"


def _changed(deployment_event: api_v2.DeploymentEvent) -> str:
    data = json.dumps({"title": deployment_event.title, "health": deployment_event.health})
    return f"id: {deployment_event.sequence}\nevent: changed\ndata: {data}\n\n"
