"""`registeredModels/`: names, their versions, and aliases that point to versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.wire import api_v2

_Archived = Annotated[bool, Query(alias="showArchived")]


def registered_model_router(services: Services) -> APIRouter:
    """Return the routes of registered models."""
    router = APIRouter(prefix="/registeredModels", tags=["registered models"])
    _add_models(router, services)
    _add_versions(router, services)
    _add_aliases(router, services)
    return router


def _add_models(router: APIRouter, services: Services) -> None:
    models = services.registered_models

    @router.get("/")
    def list_registered_models(
        paging: Paging, search: Annotated[str | None, Query(max_length=200)] = None
    ) -> api_v2.Page[api_v2.RegisteredModel]:
        """List registered models by name; `search` looks into name and description."""
        return paging.page(models.list_models(search=search, limit=paging.limit, offset=paging.offset))

    @router.get("/{model_id}/")
    def get_registered_model(model_id: str) -> api_v2.RegisteredModel:
        """Return one registered model, with its aliases."""
        return models.get_model(model_id)

    @router.patch("/{model_id}/")
    def change_registered_model(
        model_id: str, body: api_v2.RegisteredModelPatch, principal: Asking
    ) -> api_v2.RegisteredModel:
        """Change name or description; 409 when the name is taken."""
        return models.change_model(model_id, body, actor=principal.name)

    @router.delete("/{model_id}/", status_code=204)
    def delete_registered_model(model_id: str) -> None:
        """Delete a registered model; 422 while it has versions."""
        models.delete_model(model_id)


def _add_versions(router: APIRouter, services: Services) -> None:
    models = services.registered_models

    @router.get("/{model_id}/versions/")
    def list_registered_model_versions(
        model_id: str, paging: Paging, archived: _Archived = False
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """List the versions, newest first."""
        found = models.list_versions(model_id, archived=archived, limit=paging.limit, offset=paging.offset)
        return paging.page(found)

    @router.get("/{model_id}/versions/{package_id}/")
    def get_registered_model_version(model_id: str, package_id: str) -> api_v2.ModelPackage:
        """Return one version: a model package."""
        return models.get_version(model_id, package_id)

    @router.get("/{model_id}/deployments/")
    def list_deployments_of_registered_model(model_id: str, paging: Paging) -> api_v2.Page[api_v2.Deployment]:
        """List the deployments that want a version of it."""
        models.get_model(model_id)
        filters = DeploymentFilters(registered_model_id=model_id)
        return paging.page(services.deployments.find(filters, limit=paging.limit, offset=paging.offset))

    @router.get("/{model_id}/versions/{package_id}/deployments/")
    def list_deployments_of_version(model_id: str, package_id: str, paging: Paging) -> api_v2.Page[api_v2.Deployment]:
        """List the deployments that want one version."""
        models.get_version(model_id, package_id)
        filters = DeploymentFilters(package_id=package_id)
        return paging.page(services.deployments.find(filters, limit=paging.limit, offset=paging.offset))


def _add_aliases(router: APIRouter, services: Services) -> None:
    models = services.registered_models

    @router.get("/{model_id}/aliases/")
    def list_model_aliases(model_id: str, paging: Paging) -> api_v2.Page[api_v2.ModelAlias]:
        """List the aliases in order."""
        return paging.slice(models.list_aliases(model_id))

    @router.get("/{model_id}/aliases/{alias}/")
    def get_model_alias(model_id: str, alias: str) -> api_v2.ModelAlias:
        """Return where an alias points."""
        return models.get_alias(model_id, alias)

    @router.put("/{model_id}/aliases/{alias}/")
    def set_model_alias(model_id: str, alias: str, body: api_v2.ModelAliasIn, principal: Asking) -> api_v2.ModelAlias:
        """Let an alias point to a version, wherever it pointed before."""
        return models.set_alias(model_id, alias, body, actor=principal.name)

    @router.delete("/{model_id}/aliases/{alias}/", status_code=204)
    def delete_model_alias(model_id: str, alias: str) -> None:
        """Remove an alias; what was deployed by it stays."""
        models.delete_alias(model_id, alias)
