"""Routes: the list of deployments, one deployment, and their streams."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from mgmt_ansible.control_plane.pages import views
from mgmt_ansible.control_plane.pages.live import stream_changes
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health

_JUDGED = tuple(health for health in Health if health is not Health.INFO)
_DIGITS = 18


def read_filters(
    search: str = "", environment: str = "", state: str = "", health: str = "", offset: str = ""
) -> views.Filters:
    """Read the query string of the list; what is no filter's value counts as not chosen."""
    return views.Filters(
        search=search.strip()[:200],
        environment=environment[:64],
        state=DeploymentState(state) if state in set(DeploymentState) else None,
        health=Health(health) if health in _JUDGED else None,
        offset=_number(offset),
    )


def page_router(services: Services, templates: Templates) -> APIRouter:
    """Return the pages' routes; errors become pages."""
    router = APIRouter(include_in_schema=False, route_class=page_route(templates))

    @router.get("/")
    def list_page(request: Request, filters: Annotated[views.Filters, Depends(read_filters)]) -> Response:
        return templates.page(
            "deployments.html",
            place="/",
            view=views.list_view(services, filters),
            states=tuple(DeploymentState),
            healths=_JUDGED,
            principal=request.state.principal,
        )

    @router.get("/live")
    def list_stream(request: Request, after: str = "") -> Response:
        return stream_changes(request, services, EventFilters(), after=_number(after))

    @router.get("/deployments/{deployment_id}")
    def deployment_page(
        request: Request,
        deployment_id: str,
        health: str = "",
        before: str = "",
    ) -> Response:
        view = views.deployment_view(
            services,
            deployment_id,
            health=Health(health) if health in set(Health) else None,
            before=_number(before) or None,
        )
        return templates.page("deployment.html", view=view, healths=tuple(Health), principal=request.state.principal)

    @router.get("/deployments/{deployment_id}/live")
    def deployment_stream(request: Request, deployment_id: str, after: str = "") -> Response:
        services.deployments.get_deployment(deployment_id)
        filters = EventFilters(deployment_id=deployment_id)
        return stream_changes(request, services, filters, after=_number(after))

    return router


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
