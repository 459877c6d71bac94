"""A run's log as answers: as text, and as a stream; the API and the pages answer the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from mgmt_ansible.control_plane.admissions import admission
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.run_logs import LARGEST_NUMBER
from mgmt_ansible.wire import api_v2


def raw_log_answer(services: Services, run_id: str, *, first: int = 1) -> Response:
    """Return a run's log as text."""
    services.runs.get_run(run_id)
    headers = {"Content-Disposition": 'attachment; filename="run.log"', "X-Content-Type-Options": "nosniff"}
    pieces = services.runs.raw_log(run_id, first=first)
    return StreamingResponse(pieces, media_type="text/plain; charset=utf-8", headers=headers)


async def log_stream(
    services: Services, request: Request, run_id: str, *, first: int, last_event_id: str | None
) -> StreamingResponse:
    """Return the stream of a run's log; each message's id is the number of its last line."""
    await run_in_threadpool(services.runs.get_run, run_id)
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        first = min(int(last_event_id[:10]), LARGEST_NUMBER - 1) + 1
    admitted = admission(services.access, request)
    logs = services.runs.follow_log(run_id, first=first, admitted=admitted)
    return StreamingResponse(
        _messages(logs),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


async def _messages(logs: AsyncIterator[api_v2.RunLog | None]) -> AsyncIterator[str]:
    yield ": connected\n\n"
    async for log in logs:
        if log is None:
            yield ": keep-alive\n\n"
            continue
        if log.lines:
            yield f"id: {log.lines[-1].number}\nevent: log\ndata: {log.model_dump_json(by_alias=True)}\n\n"
        if log.next_line is None:
            ended = log.model_copy(update={"lines": []}).model_dump_json(by_alias=True)
            yield f"event: ended\ndata: {ended}\n\n"
