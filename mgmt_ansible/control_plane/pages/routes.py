"""Routes: what is shown where, and the streams."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from mgmt_ansible import errors
from mgmt_ansible.control_plane.pages import deployment_list, deployment_page, event_list, matrix, words
from mgmt_ansible.control_plane.pages.addresses import number
from mgmt_ansible.control_plane.pages.live import stream_changes
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.saved_views import views_menu
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.pages.time_ranges import WINDOW_TEXTS, WINDOWS, read_time
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.deployments import STATE_WORDS, DeploymentState
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.saved_views import ViewPage


def read_filters(
    *,
    search: str = "",
    environment: str = "",
    host: str = "",
    model: str = "",
    owner: str = "",
    importance: str = "",
    state: Annotated[list[str] | None, Query(max_length=20)] = None,
    health: str = "",
    sort: str = "",
    columns: Annotated[list[str] | None, Query(alias="column", max_length=20)] = None,
    offset: str = "",
) -> deployment_list.Filters:
    """Read the query string of the list; what is no filter's value counts as not chosen."""
    states = {word for one in state or () for word in one.split(",")}
    chosen = tuple(name for name in deployment_list.COLUMNS if name in (columns or ()))
    return deployment_list.Filters(
        search=search.strip()[:200],
        environment=environment[:64],
        host=host.strip()[:300],
        model=model[:512],
        owner=owner.strip()[:128],
        importance=importance if importance in deployment_list.IMPORTANCES else "",
        state=",".join(word for word in STATE_WORDS if word in states),
        health=health if health in set(deployment_list.JUDGED) else "",
        sort=sort if sort in deployment_list.SORTS else "",
        columns=() if chosen == deployment_list.SHOWN else chosen,
        offset=number(offset),
    )


def read_choice(
    *,
    search: str = "",
    environment: str = "",
    deployment: str = "",
    host: str = "",
    type: str = "",
    category: str = "",
    health: str = "",
    actor: str = "",
    within: str = "",
    since: str = "",
    until: str = "",
    event: str = "",
    before: str = "",
) -> event_list.EventChoice:
    """Read the query string of the events; what is no filter's value counts as not chosen.

    In older addresses `since` may be what `within` is now.
    """
    return event_list.EventChoice(
        search=search.strip()[:200],
        environment=environment[:64],
        deployment=deployment.strip()[:64],
        host=host.strip()[:300],
        type=type.strip()[:200],
        category=category if category in set(EventCategory) else "",
        health=health if health in set(Health) else "",
        actor=actor.strip()[:200],
        within=next((name for name in (within, since) if name in WINDOWS), ""),
        since=since if read_time(since) else "",
        until=until if read_time(until) else "",
        event=event[:64],
        before=number(before),
    )


_Filters = Annotated[deployment_list.Filters, Depends(read_filters)]
_Choice = Annotated[event_list.EventChoice, Depends(read_choice)]
_HEALTHS = [(health.value, words.HEALTH[health].text) for health in Health]
_EVENTS = {
    "healths": _HEALTHS,
    "categories": [(one.value, one.value.replace("_", " ").capitalize()) for one in EventCategory],
    "windows": WINDOW_TEXTS,
}


def page_router(services: Services, templates: Templates) -> APIRouter:
    """Return the pages' routes; errors become pages."""
    router = APIRouter(include_in_schema=False, route_class=page_route(templates))
    _add_lists(router, services, templates)
    _add_events(router, services, templates)
    _add_deployment(router, services, templates)
    return router


def _add_lists(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/")
    def list_page(request: Request, filters: _Filters) -> Response:
        return templates.page(
            "deployments.html",
            place="/",
            view=deployment_list.list_view(services, filters),
            states=tuple(DeploymentState),
            healths=deployment_list.JUDGED,
            columns=deployment_list.COLUMNS,
            usual=deployment_list.SHOWN,
            sorts=[(name, text) for name, text in deployment_list.SORTS.items() if name],
            importances=[(one, one.capitalize()) for one in deployment_list.IMPORTANCES],
            saved=views_menu(services, request, ViewPage.DEPLOYMENTS),
            principal=request.state.principal,
        )

    @router.get("/matrix")
    def matrix_page(request: Request, environment: str = "", only: str = "", offset: str = "") -> Response:
        view = matrix.matrix_view(services, environment[:64], troubled=only == "trouble", offset=number(offset))
        return templates.page(
            "matrix.html", place="/matrix", view=view, marks=matrix.MARKS, principal=request.state.principal
        )

    @router.get("/live")
    def list_stream(request: Request, after: str = "") -> Response:
        return stream_changes(request, services, EventFilters(), after=number(after))


def _add_events(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/events")
    def events_page(request: Request, choice: _Choice) -> Response:
        view = event_list.event_view(services, choice)
        return templates.page(
            "events.html",
            place="/events",
            view=view,
            saved=views_menu(services, request, ViewPage.EVENTS),
            principal=request.state.principal,
            options=_EVENTS,
        )

    @router.get("/events/{entry_id}")
    def event_page(request: Request, entry_id: str) -> Response:
        panel = event_list.panel(services, entry_id)
        return templates.page("event.html", place="/events", panel=panel, principal=request.state.principal)


def _add_deployment(router: APIRouter, services: Services, templates: Templates) -> None:
    _add_deployment_now(router, services, templates)
    _add_deployment_past(router, services, templates)


def _add_deployment_now(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/deployments/{deployment_id}")
    def overview_page(
        request: Request, deployment_id: str, health: str = "", before: str = "", strip: str = ""
    ) -> Response:
        frame = deployment_page.frame_of(services, deployment_id, request.state.principal)
        view = deployment_page.overview(
            services,
            frame,
            health=Health(health) if health in set(Health) else None,
            before=number(before) or None,
            strip=strip,
        )
        return templates.page(
            "deployment.html",
            place="/",
            frame=frame,
            view=view,
            healths=tuple(Health),
            strips=tuple(deployment_page.STRIPS),
            principal=request.state.principal,
        )

    @router.get("/deployments/{deployment_id}/live")
    def deployment_stream(request: Request, deployment_id: str, after: str = "") -> Response:
        services.deployments.get_deployment(deployment_id)
        filters = EventFilters(deployment_id=deployment_id)
        return stream_changes(request, services, filters, after=number(after))


def _add_deployment_past(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/deployments/{deployment_id}/events")
    def deployment_events(request: Request, deployment_id: str, choice: _Choice) -> Response:
        frame = deployment_page.frame_of(services, deployment_id, request.state.principal)
        view = event_list.event_view(services, event_list.of_deployment(choice, deployment_id))
        return templates.page(
            "deployment_events.html",
            place="/",
            frame=frame,
            view=view,
            options=_EVENTS,
            principal=request.state.principal,
        )

    @router.get("/deployments/{deployment_id}/history")
    def history_page(request: Request, deployment_id: str) -> Response:
        frame = deployment_page.frame_of(services, deployment_id, request.state.principal)
        view = deployment_page.history(services, frame)
        return templates.page(
            "deployment_history.html", place="/", frame=frame, view=view, principal=request.state.principal
        )

    @router.get("/deployments/{deployment_id}/actions/{action_id}")
    def action_page(request: Request, deployment_id: str, action_id: str) -> Response:
        frame = deployment_page.frame_of(services, deployment_id, request.state.principal)
        action = services.actions.get_action(action_id)
        if action.deployment_id != deployment_id:
            raise errors.NotFoundError(f"action {action_id} is not of deployment {deployment_id}")
        return templates.page(
            "deployment_action.html", place="/", frame=frame, action=action, principal=request.state.principal
        )
