"""`actions/` and `status/`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.api.builds import build_answer
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.actions import ActionSpec, ActionStatus
from mgmt_ansible.wire import api_v2

_DeploymentId = Annotated[str | None, Query(alias="deploymentId")]

_PROGRESS = {
    ActionStatus.PENDING: "INITIALIZED",
    ActionStatus.RUNNING: "RUNNING",
    ActionStatus.CANCELED: "ABORTED",
    ActionStatus.SUPERSEDED: "ABORTED",
    ActionStatus.FAILED: "ERROR",
    ActionStatus.UNKNOWN: "ERROR",
}


def action_router(services: Services) -> APIRouter:
    """Return the routes of actions and of their vendor-shaped progress."""
    router = APIRouter(tags=["actions"])
    actions = services.actions

    @router.get("/actions/")
    def list_actions(
        paging: Paging, deployment_id: _DeploymentId = None, status: ActionStatus | None = None
    ) -> api_v2.Page[api_v2.Action]:
        """List actions, newest first."""
        found = actions.list_actions(
            deployment_id=deployment_id, status=status, limit=paging.limit, offset=paging.offset
        )
        return paging.page(found)

    @router.get("/actions/{action_id}/")
    def get_action(action_id: str) -> api_v2.Action:
        """Return one action."""
        return actions.get_action(action_id)

    @router.get("/actions/{action_id}/spec/")
    def get_action_spec(action_id: str) -> ActionSpec:
        """Return what was accepted, as an agent is handed it."""
        return actions.get_spec(action_id)

    @router.post("/actions/{action_id}/cancel/", status_code=202)
    def cancel_action(action_id: str, principal: Asking) -> api_v2.Action:
        """Cancel at once what is pending, ask the agent of what runs; 409 when final."""
        return actions.cancel(action_id, actor=principal.name)

    @router.get("/status/{action_id}/", responses={303: {"description": "done: Location names the result"}})
    def get_status(action_id: str) -> Response:
        """Return an action's progress, or 303 to what it was about when it is done; a build is done at once."""
        return build_answer(services, action_id) or _status_answer(actions.get_action(action_id))

    return router


def _status_answer(action: api_v2.Action) -> Response:
    progress = _PROGRESS.get(action.status)
    if progress is not None:
        return JSONResponse({"status": progress, "message": action.message or action.progress})
    about = (
        f"deployments/{action.deployment_id}"
        if action.deployment_id
        else f"predictionEnvironments/{action.prediction_environment_id}"
    )
    return Response(status_code=303, headers={"Location": f"/api/v2/{about}/"})
