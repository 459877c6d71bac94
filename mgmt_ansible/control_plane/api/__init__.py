"""HTTP: FastAPI routes over the services, per docs/reference/http-api.md."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, FastAPI, Response

import mgmt_ansible
from mgmt_ansible.control_plane import pages
from mgmt_ansible.control_plane.api.access import access_router
from mgmt_ansible.control_plane.api.actions import action_router
from mgmt_ansible.control_plane.api.agent_v1 import agent_router
from mgmt_ansible.control_plane.api.audit import audit_router
from mgmt_ansible.control_plane.api.authentication import Authentication, ExplainOnPage
from mgmt_ansible.control_plane.api.deployment_details import deployment_details_router
from mgmt_ansible.control_plane.api.deployment_events import event_router
from mgmt_ansible.control_plane.api.deployments import deployment_host_router, deployment_router
from mgmt_ansible.control_plane.api.edge import BodyLimit, Edge, Slashes
from mgmt_ansible.control_plane.api.environments import environment_router
from mgmt_ansible.control_plane.api.exporting import export_router
from mgmt_ansible.control_plane.api.history import history_router
from mgmt_ansible.control_plane.api.hooks import hook_router
from mgmt_ansible.control_plane.api.install import install_router
from mgmt_ansible.control_plane.api.metrics import render_metrics
from mgmt_ansible.control_plane.api.monitoring import monitoring_router
from mgmt_ansible.control_plane.api.notifications import notification_router
from mgmt_ansible.control_plane.api.packages import package_router
from mgmt_ansible.control_plane.api.problems import install_problems
from mgmt_ansible.control_plane.api.registered_models import registered_model_router
from mgmt_ansible.control_plane.api.retention import retention_router
from mgmt_ansible.control_plane.api.runs import run_router
from mgmt_ansible.control_plane.api.saved_views import saved_view_router
from mgmt_ansible.control_plane.api.tagging import deployment_tag_router, environment_tag_router, key_value_router
from mgmt_ansible.control_plane.api.throttling import Throttle
from mgmt_ansible.control_plane.pages.problems import problem_page
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire.api_v2 import Problem

MAX_BODY_BYTES = 1_000_000
MAX_REPORTS_BYTES = 16_000_000
WRITES_PER_SECOND = 100.0

_ROUTERS = (
    access_router,
    audit_router,
    history_router,
    environment_router,
    package_router,
    registered_model_router,
    deployment_router,
    deployment_host_router,
    deployment_details_router,
    deployment_tag_router,
    environment_tag_router,
    key_value_router,
    monitoring_router,
    hook_router,
    event_router,
    action_router,
    run_router,
    export_router,
    saved_view_router,
    retention_router,
    notification_router,
)
_PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSALS: dict[int | str, dict[str, object]] = {
    status: {"content": _PROBLEM} for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}
"""A reference, and no model: FastAPI would build nine models for each route at every start."""


def create_app(services: Services, *, writes_per_second: float = WRITES_PER_SECOND) -> FastAPI:
    """Return the application: `/api/v2`, `/agent/v1`, `/healthz`, `/metrics` and the pages.

    Args:
        services: What it serves.
        writes_per_second: Of one token, on average; 0 is no limit.
    """
    app = FastAPI(
        title="mgmt-ansible",
        version=mgmt_ansible.__version__,
        description="The control plane of mgmt-ansible.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_problems(app)
    api = APIRouter(prefix="/api/v2", responses=_REFUSALS)
    for router in _ROUTERS:
        api.include_router(router(services))
    app.include_router(api)
    app.include_router(agent_router(services), responses=_REFUSALS)
    app.include_router(install_router(services))
    app.include_router(_operator_router(services))
    templates = pages.install(app, services)
    _add_edge(app, services, writes_per_second, partial(problem_page, templates))
    _build_routes(app)
    return app


def _build_routes(app: FastAPI) -> None:
    """Have FastAPI build now what it builds of all routes when the first is looked for: a quarter of a second for everybody."""
    nowhere = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


def _operator_router(services: Services) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", responses={503: {"model": Problem}})
    def healthz() -> dict[str, str]:
        """Say that the database answers (`read_only` when it cannot be written); needs no token."""
        services.deployment_events.newest_sequence()
        return {"status": "read_only" if services.storage.trouble() else "ok"}

    @router.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """Return metrics in Prometheus' text format."""
        return Response(render_metrics(services), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _add_edge(app: FastAPI, services: Services, writes_per_second: float, explain: ExplainOnPage) -> None:
    """Wrap the routes; what is added last is outermost."""
    app.add_middleware(
        BodyLimit,
        max_bytes=MAX_BODY_BYTES,
        exceptions=(
            ("POST", "/api/v2/modelPackages/", None),
            ("POST", "/agent/v1/reports", MAX_REPORTS_BYTES),
        ),
    )
    app.add_middleware(Throttle, per_second=writes_per_second)
    app.add_middleware(Authentication, access=services.access, audit=services.audit, explain=explain)
    app.add_middleware(Slashes)
    app.add_middleware(Edge)
