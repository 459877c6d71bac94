"""`deployments/{id}/...`: settings, capabilities, who shares it, and a check before a replacement."""

from __future__ import annotations

from fastapi import APIRouter

from mgmt_ansible.control_plane.api.asking import Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import deployment_details as shapes


def deployment_details_router(services: Services) -> APIRouter:
    """Return the routes of what is read of a deployment beside itself."""
    router = APIRouter(prefix="/deployments/{deployment_id}", tags=["deployments"])
    details = services.deployment_details

    @router.get("/settings/")
    def get_deployment_settings(deployment_id: str) -> shapes.DeploymentSettings:
        """Return the vendor's settings; all are off, as their services are not here."""
        return details.get_settings(deployment_id)

    @router.patch("/settings/")
    def change_deployment_settings(deployment_id: str, body: shapes.DeploymentSettings) -> shapes.DeploymentSettings:
        """Take what says the same; 422 names what cannot be switched on."""
        return details.change_settings(deployment_id, body)

    @router.get("/healthSettings/")
    def get_deployment_health_settings(deployment_id: str) -> shapes.DeploymentHealthSettings:
        """Return the vendor's settings of health; no threshold is set, as monitors judge."""
        return details.get_health_settings(deployment_id)

    @router.patch("/healthSettings/")
    def change_deployment_health_settings(
        deployment_id: str, body: shapes.DeploymentHealthSettings
    ) -> shapes.DeploymentHealthSettings:
        """Take what says the same; 422 names what cannot be set."""
        return details.change_health_settings(deployment_id, body)

    @router.get("/capabilities/")
    def list_deployment_capabilities(deployment_id: str, paging: Paging) -> api_v2.Page[shapes.Capability]:
        """List what is supported, and why not what is not."""
        return paging.slice(details.list_capabilities(deployment_id))

    @router.get("/sharedRoles/")
    def list_shared_roles(deployment_id: str, paging: Paging) -> api_v2.Page[shapes.SharedRole]:
        """List the tokens of people with what they may do."""
        return paging.slice(details.list_shared_roles(deployment_id))

    @router.post("/model/validation/")
    def validate_model_replacement(deployment_id: str, body: shapes.ModelValidationIn) -> shapes.ModelValidation:
        """Tell whether a package could replace the model; nothing changes."""
        return details.validate_replacement(deployment_id, body.model_package_id)

    return router
