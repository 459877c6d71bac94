"""Tags and key-values: what people and their programs write on deployments, environments, packages and models."""

from __future__ import annotations

import json
import math
from urllib.parse import urlsplit

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory, KeyValueType
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.domain.run_parameters import complaint_about
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.tags import KeyValue, KeyValueIn, KeyValuePatch, Tag, TagIn, TagPatch

MOST = 200
"""Tags, or key-values, of one thing."""


class Tagging:
    """Reads and changes tags and key-values; NotFoundError for unknown things."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_tags(self, of: EntityType, entity_id: str, *, limit: int = 50, offset: int = 0) -> Page[Tag]:
        """Return a thing's tags by name."""
        with self._store.read() as tx:
            _check_exists(tx, of, entity_id)
            return tx.tags.list(of, entity_id, limit=limit, offset=offset)

    def get_tag(self, of: EntityType, entity_id: str, tag_id: str) -> Tag:
        """Return one."""
        with self._store.read() as tx:
            _check_exists(tx, of, entity_id)
            return tx.tags.get(of, entity_id, tag_id)

    def add_tag(self, of: EntityType, entity_id: str, body: TagIn) -> Tag:
        """Add one; ConflictError when the name is there."""
        tag = Tag(id=make_id(), name=body.name, value=body.value)
        with self._store.write() as tx:
            _check_exists(tx, of, entity_id)
            _refuse_tag(tx, of, entity_id, body.name)
            if tx.tags.list(of, entity_id, limit=1, offset=0).total_count >= MOST:
                raise errors.InvalidRequestError(f"name: {entity_id} has {MOST} tags already")
            tx.tags.insert(tag, of, entity_id)
        return tag

    def change_tag(self, of: EntityType, entity_id: str, tag_id: str, body: TagPatch) -> Tag:
        """Change one; ConflictError when the new name is there."""
        with self._store.write() as tx:
            _check_exists(tx, of, entity_id)
            tag = tx.tags.get(of, entity_id, tag_id)
            if body.name not in (None, tag.name):
                _refuse_tag(tx, of, entity_id, body.name or "")
            tx.tags.update(tag_id, body.model_dump(exclude_none=True))
            return tx.tags.get(of, entity_id, tag_id)

    def delete_tag(self, of: EntityType, entity_id: str, tag_id: str) -> None:
        """Remove one."""
        with self._store.write() as tx:
            _check_exists(tx, of, entity_id)
            tx.tags.get(of, entity_id, tag_id)
            tx.tags.delete(tag_id)

    def list_key_values(
        self,
        *,
        entity_type: EntityType | None = None,
        entity_id: str | None = None,
        name: str | None = None,
        category: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Page[KeyValue]:
        """Return key-values by name."""
        wanted = {"entity_type": entity_type, "entity_id": entity_id, "name": name, "category": category}
        with self._store.read() as tx:
            return tx.key_values.list(wanted, limit=limit, offset=offset)

    def get_key_value(self, key_value_id: str) -> KeyValue:
        """Return one."""
        with self._store.read() as tx:
            return tx.key_values.get(key_value_id)

    def add_key_value(self, body: KeyValueIn, *, actor: str) -> KeyValue:
        """Add one.

        Raises:
            ConflictError: The thing has one of this name.
            InvalidRequestError: The value is not of its type.
        """
        values = body.model_dump(mode="json")
        values["value"] = stored_value(body.value_type, body.value)
        values["description"] = clean_text(body.description)
        _refuse_parameter(body.entity_type, body.category, body.name, values["value"])
        key_value_id = make_id()
        with self._store.write() as tx:
            _check_exists(tx, body.entity_type, body.entity_id)
            _refuse_key(tx, body.entity_type, body.entity_id, body.name)
            wanted = {"entity_type": body.entity_type.value, "entity_id": body.entity_id}
            if tx.key_values.list(wanted, limit=1, offset=0).total_count >= MOST:
                raise errors.InvalidRequestError(f"name: {body.entity_id} has {MOST} key-values already")
            tx.key_values.insert({**values, "id": key_value_id, "created_at": tx.now, "created_by": actor})
            return tx.key_values.get(key_value_id)

    def change_key_value(self, key_value_id: str, body: KeyValuePatch) -> KeyValue:
        """Change one; errors as for a new one."""
        values = body.model_dump(mode="json", exclude_none=True)
        with self._store.write() as tx:
            known = tx.key_values.get(key_value_id)
            if body.name not in (None, known.name):
                _refuse_key(tx, known.entity_type, known.entity_id, body.name or "")
            value_type = body.value_type or known.value_type
            if body.value is not None or value_type is not known.value_type:
                value = known.value if body.value is None else body.value
                values["value"] = stored_value(value_type, value)
            if body.description is not None:
                values["description"] = clean_text(body.description)
            _refuse_parameter(
                known.entity_type,
                body.category or known.category,
                body.name or known.name,
                values.get("value", known.value),
            )
            tx.key_values.update(key_value_id, values)
            return tx.key_values.get(key_value_id)

    def delete_key_value(self, key_value_id: str) -> None:
        """Remove one."""
        with self._store.write() as tx:
            tx.key_values.get(key_value_id)
            tx.key_values.delete(key_value_id)


def stored_value(value_type: KeyValueType, value: str | float | bool | None) -> str | None:
    """Return a value as it is stored: as text, and none of a credential, which nobody here would read.

    Raises:
        InvalidRequestError: It is not of its type.
    """
    if value_type is KeyValueType.CREDENTIAL:
        return None
    if value is None:
        raise errors.InvalidRequestError("value: is missing")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not _fits(value_type, text):
        raise errors.InvalidRequestError(f"value: is no {value_type.value}")
    return clean_text(text)


def _fits(value_type: KeyValueType, text: str) -> bool:
    try:
        if value_type is KeyValueType.NUMERIC:
            return math.isfinite(float(text))
        if value_type is KeyValueType.JSON:
            json.loads(text)
        if value_type is KeyValueType.URL:
            return urlsplit(text).scheme in ("http", "https", "s3", "file", "gs", "abfs")
    except (ValueError, RecursionError):
        return False
    return value_type is not KeyValueType.BOOLEAN or text in ("true", "false")


def forget_all(tx: Transaction, of: EntityType, entity_id: str) -> None:
    """Remove what is written on a thing that is removed."""
    tx.tags.forget(of, entity_id)
    tx.key_values.forget(of, entity_id)


def _check_exists(tx: Transaction, of: EntityType, entity_id: str) -> None:
    match of:
        case EntityType.DEPLOYMENT:
            tx.deployments.record(entity_id)
        case EntityType.ENVIRONMENT:
            tx.environments.record(entity_id)
        case EntityType.PACKAGE:
            tx.packages.get(entity_id)
        case EntityType.REGISTERED_MODEL:
            tx.registered_models.get(entity_id)


def _refuse_tag(tx: Transaction, of: EntityType, entity_id: str, name: str) -> None:
    if tx.tags.name_taken(of, entity_id, name):
        raise errors.ConflictError(f"{entity_id} has a tag {name} already: change that one")


def _refuse_parameter(of: EntityType, category: KeyValueCategory, name: str, value: str | None) -> None:
    """Refuse what agents would not be handed, or what would override what it must not; InvalidRequestError."""
    handed = of in (EntityType.DEPLOYMENT, EntityType.ENVIRONMENT) and category is KeyValueCategory.RUNTIME_PARAMETER
    complaint = complaint_about(name, value or "") if handed else ""
    if complaint:
        raise errors.InvalidRequestError(complaint)


def _refuse_key(tx: Transaction, of: EntityType, entity_id: str, name: str) -> None:
    if tx.key_values.name_taken(of, entity_id, name):
        raise errors.ConflictError(f"{entity_id} has a key-value {name} already: change that one")
