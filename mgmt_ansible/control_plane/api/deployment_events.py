"""`deploymentEvents/`: the feed, as pages, as a stream and as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from mgmt_ansible.control_plane.admissions import admission
from mgmt_ansible.control_plane.api.asking import FeedPaging
from mgmt_ansible.control_plane.api.exporting import file_answer
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters, ExportFormat
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2, cloud_events

_LARGEST_SEQUENCE = 2**62
_Sequence = Annotated[int | None, Query(ge=0, le=_LARGEST_SEQUENCE)]


def _filters(
    *,
    deployment_id: Annotated[str | None, Query(alias="deploymentId")] = None,
    environment_id: Annotated[str | None, Query(alias="predictionEnvironmentId")] = None,
    hosts: Annotated[list[str] | None, Query(alias="host", max_length=50)] = None,
    types: Annotated[list[str] | None, Query(alias="type", max_length=50)] = None,
    categories: Annotated[list[EventCategory] | None, Query(alias="category", max_length=50)] = None,
    healths: Annotated[list[Health] | None, Query(alias="health", max_length=50)] = None,
    actor: str | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
) -> EventFilters:
    return EventFilters(
        deployment_id=deployment_id,
        environment_id=environment_id,
        hosts=tuple(hosts or ()),
        types=tuple(types or ()),
        categories=tuple(categories or ()),
        healths=tuple(healths or ()),
        actor=actor,
        since=since,
        until=until,
        search=search,
    )


_Filters = Annotated[EventFilters, Depends(_filters)]


def event_router(services: Services) -> APIRouter:
    """Return the routes of the feed."""
    router = APIRouter(prefix="/deploymentEvents", tags=["deployment events"])
    _add_reading(router, services)
    _add_following(router, services)
    return router


def _add_reading(router: APIRouter, services: Services) -> None:
    feed = services.deployment_events

    @router.get(
        "/",
        response_model=api_v2.EventPage,
        responses={200: {"content": {cloud_events.BATCH_MEDIA_TYPE: {}}}},
    )
    def list_deployment_events(
        paging: FeedPaging,
        filters: _Filters,
        before: _Sequence = None,
        after: _Sequence = None,
        accept: Annotated[str, Header()] = "",
    ) -> object:
        """List entries, newest first; `before` and `after` are sequences, both exclusive.

        `host`, `type`, `category` and `health` may come again; `since` and `until` name a zone. Who accepts
        `application/cloudevents-batch+json` gets that, with the address of the next page in `Link`.
        """
        found = feed.list_events(filters, before=before, after=after, limit=paging.limit, offset=paging.offset)
        page = paging.feed_page(found)
        return _batch(page) if cloud_events.BATCH_MEDIA_TYPE in accept.lower() else page

    @router.get("/export/", response_class=StreamingResponse)
    def export_deployment_events(
        filters: _Filters, form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV
    ) -> StreamingResponse:
        """Send all entries of a filter, newest first, as a file; `X-Total-Count` tells how many."""
        return file_answer(services.exports.events(filters, form))


def _add_following(router: APIRouter, services: Services) -> None:
    feed = services.deployment_events

    @router.get("/stream/", response_class=StreamingResponse)
    async def stream_deployment_events(
        request: Request,
        filters: _Filters,
        after: _Sequence = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        """Stream entries as server-sent events: after `Last-Event-ID`, else after `after`, else from now on.

        What lay between and was removed, or a place that the feed has not reached, is told first, as `event: gap`. The
        stream ends when the token is revoked or the session has ended.
        """
        asked = _sequence_of(last_event_id)
        asked = after if asked is None else asked
        start, gap = await run_in_threadpool(feed.place_of, asked)
        admitted = admission(services.access, request)
        messages = _messages(feed.follow(start, filters, admitted=admitted), gap)
        return StreamingResponse(messages, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _batch(page: api_v2.EventPage) -> Response:
    headers = {"Vary": "Accept", "X-Total-Count": str(page.total_count)}
    if page.next is not None:
        headers["Link"] = f'<{page.next}>; rel="next"'
    return Response(cloud_events.to_json_batch(page.data), media_type=cloud_events.BATCH_MEDIA_TYPE, headers=headers)


def _sequence_of(last_event_id: str | None) -> int | None:
    """Return the cursor; what no stream of ours ever sent counts as none."""
    if last_event_id is None or not last_event_id.isascii() or not last_event_id.isdigit():
        return None
    return min(int(last_event_id[:19]), _LARGEST_SEQUENCE)


async def _messages(
    entries: AsyncIterator[api_v2.DeploymentEvent | None], gap: api_v2.FeedGap | None
) -> AsyncIterator[str]:
    yield ": connected\n\n"
    if gap is not None:
        yield f"event: gap\ndata: {gap.model_dump_json(by_alias=True)}\n\n"
    async for entry in entries:
        if entry is None:
            yield ": keep-alive\n\n"
        else:
            data = entry.model_dump_json(by_alias=True)
            yield f"id: {entry.sequence}\nevent: deployment_event\ndata: {data}\n\n"
