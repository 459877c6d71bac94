"""Tags of deployments and environments, and `keyValues/`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.tags import KeyValue, KeyValueIn, KeyValuePatch, Tag, TagIn, TagPatch


def deployment_tag_router(services: Services) -> APIRouter:
    """Return the routes of a deployment's tags."""
    router = APIRouter(prefix="/deployments/{deployment_id}/tags", tags=["tags"])
    tagging, of = services.tagging, EntityType.DEPLOYMENT

    @router.get("/")
    def list_deployment_tags(deployment_id: str, paging: Paging) -> Page[Tag]:
        """List a deployment's tags by name."""
        return paging.page(tagging.list_tags(of, deployment_id, limit=paging.limit, offset=paging.offset))

    @router.post("/", status_code=201)
    def add_deployment_tag(deployment_id: str, body: TagIn) -> Tag:
        """Add a tag; 409 when the name is there."""
        return tagging.add_tag(of, deployment_id, body)

    @router.get("/{tag_id}/")
    def get_deployment_tag(deployment_id: str, tag_id: str) -> Tag:
        """Return one tag."""
        return tagging.get_tag(of, deployment_id, tag_id)

    @router.patch("/{tag_id}/")
    def change_deployment_tag(deployment_id: str, tag_id: str, body: TagPatch) -> Tag:
        """Change name or value."""
        return tagging.change_tag(of, deployment_id, tag_id, body)

    @router.delete("/{tag_id}/", status_code=204)
    def delete_deployment_tag(deployment_id: str, tag_id: str) -> None:
        """Remove a tag."""
        tagging.delete_tag(of, deployment_id, tag_id)

    return router


def environment_tag_router(services: Services) -> APIRouter:
    """Return the routes of an environment's tags."""
    router = APIRouter(prefix="/predictionEnvironments/{environment_id}/tags", tags=["tags"])
    tagging, of = services.tagging, EntityType.ENVIRONMENT

    @router.get("/")
    def list_environment_tags(environment_id: str, paging: Paging) -> Page[Tag]:
        """List an environment's tags by name."""
        return paging.page(tagging.list_tags(of, environment_id, limit=paging.limit, offset=paging.offset))

    @router.post("/", status_code=201)
    def add_environment_tag(environment_id: str, body: TagIn) -> Tag:
        """Add a tag; 409 when the name is there."""
        return tagging.add_tag(of, environment_id, body)

    @router.get("/{tag_id}/")
    def get_environment_tag(environment_id: str, tag_id: str) -> Tag:
        """Return one tag."""
        return tagging.get_tag(of, environment_id, tag_id)

    @router.patch("/{tag_id}/")
    def change_environment_tag(environment_id: str, tag_id: str, body: TagPatch) -> Tag:
        """Change name or value."""
        return tagging.change_tag(of, environment_id, tag_id, body)

    @router.delete("/{tag_id}/", status_code=204)
    def delete_environment_tag(environment_id: str, tag_id: str) -> None:
        """Remove a tag."""
        tagging.delete_tag(of, environment_id, tag_id)

    return router


def key_value_router(services: Services) -> APIRouter:
    """Return the routes of key-values."""
    router = APIRouter(prefix="/keyValues", tags=["key-values"])
    tagging = services.tagging

    @router.get("/")
    def list_key_values(
        paging: Paging,
        entity_type: Annotated[EntityType | None, Query(alias="entityType")] = None,
        entity_id: Annotated[str | None, Query(alias="entityId", max_length=64)] = None,
        name: Annotated[str | None, Query(max_length=512)] = None,
        category: KeyValueCategory | None = None,
    ) -> Page[KeyValue]:
        """List key-values by name."""
        found = tagging.list_key_values(
            entity_type=entity_type,
            entity_id=entity_id,
            name=name,
            category=category,
            limit=paging.limit,
            offset=paging.offset,
        )
        return paging.page(found)

    @router.post("/", status_code=201)
    def add_key_value(body: KeyValueIn, principal: Asking) -> KeyValue:
        """Add a key-value; 409 when the name is there; a credential's value is not kept."""
        return tagging.add_key_value(body, actor=principal.name)

    @router.get("/{key_value_id}/")
    def get_key_value(key_value_id: str) -> KeyValue:
        """Return one key-value; the value of a credential is null."""
        return tagging.get_key_value(key_value_id)

    @router.patch("/{key_value_id}/")
    def change_key_value(key_value_id: str, body: KeyValuePatch) -> KeyValue:
        """Change a key-value."""
        return tagging.change_key_value(key_value_id, body)

    @router.delete("/{key_value_id}/", status_code=204)
    def delete_key_value(key_value_id: str) -> None:
        """Remove a key-value."""
        tagging.delete_key_value(key_value_id)

    return router
