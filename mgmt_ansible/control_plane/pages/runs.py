"""Routes: the list of runs, one run with its log, and what can be taken along of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from mgmt_ansible.control_plane.pages import run_list, run_views
from mgmt_ansible.control_plane.pages.addresses import number
from mgmt_ansible.control_plane.pages.live import stream_changes
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.run_lines import line_items
from mgmt_ansible.control_plane.pages.run_logs import log_stream, raw_log_answer
from mgmt_ansible.control_plane.pages.run_words import RUN_STATUSES, in_order, playbook_word
from mgmt_ansible.control_plane.pages.saved_views import views_menu
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.pages.time_ranges import WINDOW_TEXTS, WINDOWS, read_time
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.run_logs import LARGEST_NUMBER
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.domain.saved_views import ViewPage

_WORDS = {
    "run_statuses": RUN_STATUSES,
    "in_order": in_order,
    "line_items": line_items,
    "playbook_word": playbook_word,
}
_ONLY = ("all", "failed")


def read_chosen(
    *,
    search: str = "",
    environment: str = "",
    deployment: str = "",
    status: str = "",
    within: str = "",
    since: str = "",
    until: str = "",
    columns: Annotated[list[str] | None, Query(alias="column", max_length=20)] = None,
    before: str = "",
) -> run_list.Chosen:
    """Read the query string of the list; what is no filter's value counts as not chosen."""
    shown = tuple(name for name in run_list.COLUMNS if name in (columns or ()))
    return run_list.Chosen(
        search=search.strip()[:200],
        environment=environment[:64],
        deployment=deployment.strip()[:64],
        status=RunStatus(status) if status in set(RunStatus) else None,
        within=within if within in WINDOWS else "",
        since=since if read_time(since) else "",
        until=until if read_time(until) else "",
        columns=() if shown == tuple(run_list.COLUMNS) else shown,
        before=number(before) or None,
    )


def run_pages(services: Services, templates: Templates) -> APIRouter:
    """Return the routes of the pages of runs."""
    templates.environment.globals.update(_WORDS)
    router = APIRouter(prefix="/runs", include_in_schema=False, route_class=page_route(templates))

    @router.get("")
    def runs_page(request: Request, chosen: Annotated[run_list.Chosen, Depends(read_chosen)]) -> Response:
        return templates.page(
            "runs.html",
            place="/runs",
            view=run_list.list_view(services, chosen),
            windows=WINDOW_TEXTS,
            columns=run_list.COLUMNS,
            saved=views_menu(services, request, ViewPage.RUNS),
            principal=request.state.principal,
        )

    @router.get("/{run_id}")
    def run_page(request: Request, run_id: str, first: str = "", hosts: str = "", log: str = "1") -> Response:
        view = run_views.run_view(
            services,
            run_id,
            request.state.principal,
            first=min(number(first), LARGEST_NUMBER) or None,
            only=hosts if hosts in _ONLY else "",
            with_log=log != "0",
        )
        return templates.page("run.html", place="/runs", view=view, principal=request.state.principal)

    @router.get("/{run_id}/live")
    def run_changes(request: Request, run_id: str, after: str = "") -> Response:
        run = services.runs.get_run(run_id)
        filters = EventFilters(environment_id=run.prediction_environment_id)
        return stream_changes(request, services, filters, after=number(after))

    @router.get("/{run_id}/log/live")
    async def run_log_stream(
        request: Request, run_id: str, first: str = "", last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        line = min(number(first), LARGEST_NUMBER) or 1
        return await log_stream(services, request, run_id, first=line, last_event_id=last_event_id)

    @router.get("/{run_id}/log.txt")
    def run_log_text(run_id: str) -> Response:
        return raw_log_answer(services, run_id)

    @router.get("/{run_id}/log/find")
    def find_in_log(run_id: str, text: Annotated[str, Query(max_length=200)] = "", first: str = "") -> Response:
        found = services.runs.find_in_log(run_id, text, first=number(first) or 1) if text else None
        return JSONResponse({"number": found})

    @router.get("/{run_id}/run.json")
    def run_record(run_id: str) -> Response:
        record = services.runs.get_run(run_id).model_dump(mode="json", by_alias=True)
        return JSONResponse(record, headers={"Content-Disposition": 'attachment; filename="run.json"'})

    return router
