"""`runs/`: what agents ran, and the log of each as it comes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from mgmt_ansible.control_plane.api.asking import Paging
from mgmt_ansible.control_plane.pages.run_logs import log_stream, raw_log_answer
from mgmt_ansible.control_plane.runs import MOST_LINES
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.run_logs import LARGEST_NUMBER
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

_Line = Annotated[int, Query(ge=1, le=LARGEST_NUMBER)]
_Sequence = Annotated[int | None, Query(ge=0, le=2**62)]


def run_filters(
    *,
    environment_id: Annotated[str | None, Query(alias="predictionEnvironmentId")] = None,
    deployment_id: Annotated[str | None, Query(alias="deploymentId")] = None,
    action_id: Annotated[str | None, Query(alias="actionId")] = None,
    statuses: Annotated[list[RunStatus] | None, Query(alias="status", max_length=10)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
) -> RunFilters:
    """Return what a request asks of the runs."""
    return RunFilters(
        environment_id=environment_id,
        deployment_id=deployment_id,
        action_id=action_id,
        statuses=tuple(statuses or ()),
        since=since,
        until=until,
        search=search,
    )


def run_router(services: Services) -> APIRouter:
    """Return the routes of runs."""
    router = APIRouter(prefix="/runs", tags=["runs"])
    runs = services.runs

    @router.get("/")
    def list_runs(
        paging: Paging, filters: Annotated[RunFilters, Depends(run_filters)], before: _Sequence = None
    ) -> api_v2.Page[api_v2.Run]:
        """List runs, newest first, without their logs; `before` is a sequence, exclusive.

        `status` may come again; `since` and `until` compare the beginning, and name a zone.
        """
        return paging.page(runs.list_runs(filters, before=before, limit=paging.limit, offset=paging.offset))

    @router.get("/{run_id}/")
    def get_run(run_id: str) -> api_v2.Run:
        """Return one run with the end of its log."""
        return runs.get_run(run_id)

    @router.get("/{run_id}/log/", response_model=api_v2.RunLog, responses={200: {"content": {"text/plain": {}}}})
    def get_run_log(
        run_id: str,
        first: _Line = 1,
        limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = MOST_LINES,
        accept: Annotated[str, Header()] = "",
    ) -> Response | api_v2.RunLog:
        """Return lines of a run's log from a number on; all of them as text for `Accept: text/plain`."""
        if "text/plain" in accept:
            return raw_log_answer(services, run_id, first=first)
        return runs.read_log(run_id, first=first, limit=limit)

    @router.get("/{run_id}/log/stream/", response_class=StreamingResponse)
    async def stream_run_log(
        request: Request, run_id: str, first: _Line = 1, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        """Stream a run's log as server-sent events, to its end: after `Last-Event-ID`, else from line `first` on."""
        return await log_stream(services, request, run_id, first=first, last_event_id=last_event_id)

    return router
