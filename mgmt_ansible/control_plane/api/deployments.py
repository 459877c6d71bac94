"""`deployments/`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from mgmt_ansible.control_plane.api import permitting
from mgmt_ansible.control_plane.api.asking import (
    Asking,
    AskingFor,
    FeedPaging,
    Paging,
    accepted,
    all_permitted,
    permitted,
)
from mgmt_ansible.control_plane.api.builds import add_deployment_builds
from mgmt_ansible.control_plane.api.deployment_filters import deployment_filters
from mgmt_ansible.control_plane.api.event_categories import categories_named
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.domain.roles import ROLE_OF_ACTION, Role
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost


def deployment_router(services: Services) -> APIRouter:
    """Return the routes of deployments."""
    router = APIRouter(prefix="/deployments", tags=["deployments"])
    _add_reading(router, services)
    _add_changing(router, services)
    add_deployment_builds(router, services)
    return router


def _add_reading(router: APIRouter, services: Services) -> None:
    deployments = services.deployments

    @router.get("/")
    def list_deployments(
        paging: Paging, principal: Asking, filters: Annotated[DeploymentFilters, Depends(deployment_filters)]
    ) -> api_v2.Page[api_v2.Deployment]:
        """List deployments by label, or as `orderBy` says; `search` looks into label, description, id and package name."""
        found = paging.page(deployments.find(filters, limit=paging.limit, offset=paging.offset))
        return all_permitted(found, principal, changed_by=Role.DEPLOYER)

    @router.get("/{deployment_id}/")
    def get_deployment(deployment_id: str, principal: Asking) -> api_v2.Deployment:
        """Return one deployment."""
        return permitted(deployments.get_deployment(deployment_id), principal, changed_by=Role.DEPLOYER)

    @router.get("/{deployment_id}/events/")
    def list_events(
        deployment_id: str,
        paging: FeedPaging,
        before: Annotated[int | None, Query(ge=0, le=2**62)] = None,
        event_category: Annotated[list[str] | None, Query(alias="eventCategory", max_length=50)] = None,
    ) -> api_v2.EventPage:
        """List its events, newest first; those of a deleted deployment are at `deploymentEvents/`."""
        deployments.get_deployment(deployment_id)
        filters = EventFilters(deployment_id=deployment_id, categories=categories_named(event_category or ()))
        found = services.deployment_events.list_events(filters, before=before, limit=paging.limit, offset=paging.offset)
        return paging.feed_page(found)


def deployment_host_router(services: Services) -> APIRouter:
    """Return the routes of what each host made of each deployment."""
    router = APIRouter(prefix="/deploymentHosts", tags=["deployments"])

    @router.get("/")
    def list_deployment_hosts(
        paging: Paging,
        deployment_id: Annotated[str | None, Query(alias="deploymentId")] = None,
        environment_id: Annotated[str | None, Query(alias="predictionEnvironmentId")] = None,
        host: str | None = None,
        outcome: Outcome | None = None,
    ) -> api_v2.Page[DeploymentHost]:
        """List what each host last made of each deployment, by deployment and host."""
        found = services.deployments.list_hosts(
            deployment_id=deployment_id,
            environment_id=environment_id,
            host=host,
            outcome=outcome,
            limit=paging.limit,
            offset=paging.offset,
        )
        return paging.page(found)

    return router


def _add_changing(router: APIRouter, services: Services) -> None:
    deployments = services.deployments

    @router.post("/fromModelPackage/", status_code=202)
    def create_deployment(body: api_v2.DeploymentIn, asker: AskingFor, response: Response) -> api_v2.ActionAccepted:
        """Create a deployment, and launch it."""
        return accepted(response, deployments.create(body, asker))

    @router.patch("/{deployment_id}/")
    def change_deployment(deployment_id: str, body: api_v2.DeploymentPatch, principal: Asking) -> api_v2.Deployment:
        """Change label, description, importance or owner."""
        return permitted(deployments.update(deployment_id, body), principal, changed_by=Role.DEPLOYER)

    @router.delete("/{deployment_id}/", response_model=None, responses={202: {"model": api_v2.ActionAccepted}, 204: {}})
    def delete_deployment(
        deployment_id: str,
        asker: AskingFor,
        response: Response,
        ignore_management_agent: Annotated[bool, Query(alias="ignoreManagementAgent")] = False,
    ) -> api_v2.ActionAccepted | Response:
        """Stop, then forget (202); forget at once when nothing runs or the agent is to be ignored (204)."""
        answer = deployments.delete(deployment_id, asker, ignore_management_agent=ignore_management_agent)
        if answer is None:
            return Response(status_code=204)
        response.status_code = 202
        return accepted(response, answer)

    @router.patch("/{deployment_id}/model/", status_code=202)
    def replace_model(
        deployment_id: str, body: api_v2.ModelReplacement, asker: AskingFor, response: Response
    ) -> api_v2.ActionAccepted:
        """Replace the model by another package."""
        return accepted(response, deployments.replace_model(deployment_id, body, asker))

    @router.patch("/{deployment_id}/status/", status_code=202)
    def set_status(
        deployment_id: str, body: api_v2.DeploymentStatusIn, asker: AskingFor, response: Response
    ) -> api_v2.ActionAccepted:
        """Stop (`inactive`) or launch again (`active`)."""
        return accepted(response, deployments.set_status(deployment_id, body, asker))

    @router.post("/{deployment_id}/actions/", status_code=202)
    def act(
        deployment_id: str, body: api_v2.ActionIn, principal: Asking, asker: AskingFor, response: Response
    ) -> api_v2.ActionAccepted:
        """Launch, relaunch, roll back or stop, or look at its status: each type needs its own role.

        `dryRun` only tells what it would do; `failedOnly` spares hosts that are fine.
        """
        permitting.require(principal, ROLE_OF_ACTION[body.type])
        return accepted(response, deployments.act(deployment_id, body, asker))
