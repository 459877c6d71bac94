"""Tags of deployments and environments, and `keyValues/`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.tagging import Tagging
from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.tags import KeyValue, KeyValueIn, KeyValuePatch, Tag, TagIn, TagPatch


def deployment_tag_router(services: Services) -> APIRouter:
    """Return the routes of a deployment's tags."""
    return _tag_router(services.tagging, EntityType.DEPLOYMENT, "/deployments", "deployment_id")


def environment_tag_router(services: Services) -> APIRouter:
    """Return the routes of an environment's tags."""
    return _tag_router(services.tagging, EntityType.ENVIRONMENT, "/predictionEnvironments", "environment_id")


def _tag_router(tagging: Tagging, of: EntityType, things: str, id_name: str) -> APIRouter:
    router = APIRouter(prefix=f"{things}/{{{id_name}}}/tags", tags=["tags"])
    of_path: str = Path(alias=id_name)

    @router.get("/")
    def list_tags(paging: Paging, entity_id: str = of_path) -> Page[Tag]:
        """List tags by name."""
        return paging.page(tagging.list_tags(of, entity_id, limit=paging.limit, offset=paging.offset))

    @router.post("/", status_code=201)
    def add_tag(body: TagIn, entity_id: str = of_path) -> Tag:
        """Add a tag; 409 when the name is there."""
        return tagging.add_tag(of, entity_id, body)

    @router.get("/{tag_id}/")
    def get_tag(tag_id: str, entity_id: str = of_path) -> Tag:
        """Return one tag."""
        return tagging.get_tag(of, entity_id, tag_id)

    @router.patch("/{tag_id}/")
    def change_tag(tag_id: str, body: TagPatch, entity_id: str = of_path) -> Tag:
        """Change name or value."""
        return tagging.change_tag(of, entity_id, tag_id, body)

    @router.delete("/{tag_id}/", status_code=204)
    def delete_tag(tag_id: str, entity_id: str = of_path) -> None:
        """Remove a tag."""
        tagging.delete_tag(of, entity_id, tag_id)

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
