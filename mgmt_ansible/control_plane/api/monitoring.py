"""`remoteEvents/`, what monitors said last, and counts of predictions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.responses import MOST_HOURS
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.responses import ResponseSource
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import monitoring as shapes
from mgmt_ansible.wire.responses import ResponseTimes


def monitoring_router(services: Services) -> APIRouter:
    """Return the routes of monitors."""
    router = APIRouter(tags=["monitoring"])
    _add_words(router, services)
    _add_counts(router, services)
    return router


def _add_words(router: APIRouter, services: Services) -> None:
    monitoring = services.monitoring

    @router.post("/remoteEvents/", status_code=201)
    def report_remote_event(body: shapes.RemoteEventIn, principal: Asking) -> shapes.Message:
        """Take a monitor's event into the feed; one that judges a health is its newest word on it."""
        monitoring.report(body, monitor=principal.name)
        return shapes.Message(message="the event was taken")

    @router.get("/deployments/{deployment_id}/monitors/")
    def list_monitor_words(deployment_id: str, paging: Paging) -> api_v2.Page[shapes.MonitorWord]:
        """List what each monitor said last of each health of a deployment."""
        return paging.slice(monitoring.list_words(deployment_id))

    @router.delete("/deployments/{deployment_id}/monitors/{monitor:path}/", status_code=204)
    def forget_monitor(deployment_id: str, monitor: str) -> None:
        """Forget what a monitor said, for one that is not there any more; a user's token is `user/token`."""
        monitoring.forget(deployment_id, monitor)


def _add_counts(router: APIRouter, services: Services) -> None:
    monitoring = services.monitoring

    @router.post("/deployments/{deployment_id}/predictionRequests/fromJSON/", status_code=202)
    def count_prediction_requests(deployment_id: str, body: shapes.PredictionRequestsIn) -> shapes.Message:
        """Count requests, the predictions that they made, and their errors."""
        return monitoring.count_requests(deployment_id, body)

    @router.post("/deployments/{deployment_id}/predictionInputs/fromJSON/", status_code=202)
    def count_prediction_inputs(deployment_id: str, body: shapes.PredictionInputsIn) -> shapes.Message:
        """Count rows of features and predictions; they are not kept."""
        return monitoring.count_rows(deployment_id, "predictionInputs", body.data)

    @router.post("/deployments/{deployment_id}/predictionStats/fromJSON/", status_code=202)
    def count_prediction_stats(deployment_id: str, body: shapes.PredictionStatsIn) -> shapes.Message:
        """Count aggregated statistics; they are not kept."""
        return monitoring.count_rows(deployment_id, "predictionStats", body.data)

    @router.post("/deployments/{deployment_id}/actuals/fromJSON/", status_code=202)
    def count_actuals(deployment_id: str, body: shapes.ActualsIn) -> shapes.Message:
        """Count what came true; it is not kept."""
        return monitoring.count_rows(deployment_id, "actuals", body.data)

    @router.get("/deployments/{deployment_id}/predictionUsage/")
    def list_prediction_usage(deployment_id: str, paging: Paging) -> api_v2.Page[shapes.UsageCount]:
        """List what monitors counted in the last seven days (UTC), oldest first."""
        return paging.slice(monitoring.usage(deployment_id))

    @router.get("/deployments/{deployment_id}/responseTimes/")
    def list_response_times(
        deployment_id: str,
        paging: Paging,
        hours: Annotated[int, Query(ge=1, le=MOST_HOURS)] = 24,
        source: ResponseSource | None = None,
    ) -> api_v2.Page[ResponseTimes]:
        """List the last hours in which looks or monitors measured responses, by source, oldest first."""
        return paging.slice(services.responses.times(deployment_id, hours=hours, source=source))
