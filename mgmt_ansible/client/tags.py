"""Tags and key-values, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory
from mgmt_ansible.wire.tags import KeyValue, KeyValueIn, KeyValuePatch, Tag, TagIn, TagPatch


class _Tags:
    """Verbs on the tags of one kind of thing."""

    _NOUN = ""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_tags(self, entity_id: str) -> Iterator[Tag]:
        """Yield a thing's tags by name."""
        return self._transport.pages(Tag, self._path(entity_id))

    def get_tag(self, entity_id: str, tag_id: str) -> Tag:
        """Return one tag; NotFoundError without it."""
        return self._transport.get(Tag, f"{self._path(entity_id)}{segment(tag_id)}/")

    def add_tag(self, entity_id: str, tag: TagIn) -> Tag:
        """Add a tag; ConflictError when the name is there."""
        return self._transport.send(Tag, "POST", self._path(entity_id), body=tag)

    def change_tag(self, entity_id: str, tag_id: str, change: TagPatch) -> Tag:
        """Change a tag; fields that are None stay."""
        return self._transport.send(Tag, "PATCH", f"{self._path(entity_id)}{segment(tag_id)}/", body=change)

    def delete_tag(self, entity_id: str, tag_id: str) -> None:
        """Remove a tag."""
        self._transport.read("DELETE", f"{self._path(entity_id)}{segment(tag_id)}/")

    def _path(self, entity_id: str) -> str:
        return f"{self._NOUN}/{segment(entity_id)}/tags/"


class DeploymentTags(_Tags):
    """Verbs on the tags of deployments."""

    _NOUN = "deployments"


class EnvironmentTags(_Tags):
    """Verbs on the tags of prediction environments."""

    _NOUN = "predictionEnvironments"


class KeyValues:
    """Verbs on key-values."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_key_values(
        self,
        *,
        entity_type: EntityType | None = None,
        entity_id: str | None = None,
        name: str | None = None,
        category: KeyValueCategory | None = None,
    ) -> Iterator[KeyValue]:
        """Yield key-values by name, page after page.

        Args:
            entity_type: Only of this kind of thing.
            entity_id: Only of this thing.
            name: Only of this name.
            category: Only of this category.
        """
        query = {"entityType": entity_type, "entityId": entity_id, "name": name, "category": category}
        return self._transport.pages(KeyValue, "keyValues/", query)

    def get_key_value(self, key_value_id: str) -> KeyValue:
        """Return one; the value of a credential is None."""
        return self._transport.get(KeyValue, f"keyValues/{segment(key_value_id)}/")

    def add_key_value(self, key_value: KeyValueIn) -> KeyValue:
        """Add one; ConflictError when the name is there."""
        return self._transport.send(KeyValue, "POST", "keyValues/", body=key_value)

    def change_key_value(self, key_value_id: str, change: KeyValuePatch) -> KeyValue:
        """Change one; fields that are None stay."""
        return self._transport.send(KeyValue, "PATCH", f"keyValues/{segment(key_value_id)}/", body=change)

    def delete_key_value(self, key_value_id: str) -> None:
        """Remove one."""
        self._transport.read("DELETE", f"keyValues/{segment(key_value_id)}/")
