"""Tags of deployments and environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.deployment_tables import TAGS
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.tags import Tag


class TagRows:
    """Tags in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, tag: Tag, entity_type: EntityType, entity_id: str) -> None:
        """Add one; ConflictError when the name is there."""
        self._connection.execute(
            TAGS.insert().values(
                id=tag.id, entity_type=entity_type.value, entity_id=entity_id, name=tag.name, value=tag.value
            )
        )

    def get(self, entity_type: EntityType, entity_id: str, tag_id: str) -> Tag:
        """Return one; NotFoundError also when it is another thing's."""
        query = TAGS.select().where(*_of(entity_type, entity_id), TAGS.c.id == tag_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"tag {tag_id} does not exist")
        return _to_wire(row)

    def name_taken(self, entity_type: EntityType, entity_id: str, name: str) -> bool:
        """Tell whether a thing has a tag of this name."""
        query = sa.select(TAGS.c.id).where(*_of(entity_type, entity_id), TAGS.c.name == name)
        return self._connection.execute(query).first() is not None

    def list(self, entity_type: EntityType, entity_id: str, *, limit: int, offset: int) -> Page[Tag]:
        """Return a thing's tags by name."""
        query = TAGS.select().where(*_of(entity_type, entity_id)).order_by(TAGS.c.name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def of_each(self, entity_type: EntityType, entity_ids: Sequence[str]) -> Mapping[str, Sequence[Tag]]:
        """Return id -> tags by name; a thing without tags is left out."""
        query = TAGS.select().where(TAGS.c.entity_type == entity_type.value, any_of(TAGS.c.entity_id, entity_ids))
        found: dict[str, Any] = {}
        for row in self._connection.execute(query.order_by(TAGS.c.name)):
            found.setdefault(row.entity_id, []).append(_to_wire(row))
        return found

    def update(self, tag_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        if values:
            self._connection.execute(TAGS.update().where(TAGS.c.id == tag_id).values(**values))

    def delete(self, tag_id: str) -> None:
        """Remove one."""
        self._connection.execute(TAGS.delete().where(TAGS.c.id == tag_id))

    def forget(self, entity_type: EntityType, entity_id: str) -> None:
        """Remove all of a thing that is removed."""
        self._connection.execute(TAGS.delete().where(*_of(entity_type, entity_id)))


def _of(entity_type: EntityType, entity_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (TAGS.c.entity_type == entity_type.value, TAGS.c.entity_id == entity_id)


def _to_wire(row: sa.Row[Any]) -> Tag:
    return Tag(id=row.id, name=row.name, value=row.value)
