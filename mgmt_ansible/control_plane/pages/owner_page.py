"""Routes: to whom a deployment is given."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible import errors
from mgmt_ansible.control_plane.pages.forms import last, read_form, require_same_site
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2


def owner_router(services: Services, templates: Templates) -> APIRouter:
    """Return the routes that ask for another owner, and take the answer."""
    router = APIRouter(
        prefix="/deployments/{deployment_id}", include_in_schema=False, route_class=page_route(templates)
    )

    @router.get("/owner")
    def owner_page(request: Request, deployment_id: str) -> Response:
        return templates.page(
            "owner.html",
            place="/",
            deployment=services.deployments.get_deployment(deployment_id),
            names=services.deployments.possible_owners(deployment_id),
            principal=request.state.principal,
        )

    @router.post("/owner")
    def give(
        request: Request, deployment_id: str, form: Annotated[dict[str, list[str]], Depends(read_form)]
    ) -> Response:
        require_same_site(request)
        owner = last(form, "owner").strip()
        if not owner:
            raise errors.InvalidRequestError("owner: choose who shall own the deployment")
        services.deployments.update(deployment_id, api_v2.DeploymentPatch(owner=owner[:128]))
        return RedirectResponse(f"/deployments/{deployment_id}", status_code=303)

    return router
