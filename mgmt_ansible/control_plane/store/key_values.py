"""Key-values of deployments, environments, packages and registered models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.deployment_tables import KEY_VALUES
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.domain.key_values import EntityType, KeyValueType
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.tags import KeyValue


class KeyValueRows:
    """Key-values in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, values: Mapping[str, object]) -> None:
        """Add one; column -> value; ConflictError when the name is there."""
        self._connection.execute(KEY_VALUES.insert().values(**values))

    def get(self, key_value_id: str) -> KeyValue:
        """Return one; NotFoundError."""
        row = self._connection.execute(KEY_VALUES.select().where(KEY_VALUES.c.id == key_value_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"key-value {key_value_id} does not exist")
        return _to_wire(row)

    def name_taken(self, entity_type: str, entity_id: str, name: str) -> bool:
        """Tell whether a thing has a key-value of this name."""
        query = sa.select(KEY_VALUES.c.id).where(
            KEY_VALUES.c.entity_type == entity_type, KEY_VALUES.c.entity_id == entity_id, KEY_VALUES.c.name == name
        )
        return self._connection.execute(query).first() is not None

    def list(self, wanted: Mapping[str, str | None], *, limit: int, offset: int) -> Page[KeyValue]:
        """Return key-values by name; column -> value it must have, None asks nothing."""
        query = KEY_VALUES.select().order_by(KEY_VALUES.c.name, KEY_VALUES.c.id)
        query = query.where(*(KEY_VALUES.c[name] == value for name, value in wanted.items() if value is not None))
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def update(self, key_value_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        if values:
            self._connection.execute(KEY_VALUES.update().where(KEY_VALUES.c.id == key_value_id).values(**values))

    def delete(self, key_value_id: str) -> None:
        """Remove one."""
        self._connection.execute(KEY_VALUES.delete().where(KEY_VALUES.c.id == key_value_id))

    def forget(self, entity_type: EntityType, entity_id: str) -> None:
        """Remove all of a thing that is removed."""
        table = KEY_VALUES
        self._connection.execute(
            table.delete().where(table.c.entity_type == entity_type.value, table.c.entity_id == entity_id)
        )


def _to_wire(row: sa.Row[Any]) -> KeyValue:
    return KeyValue(
        id=row.id,
        created_at=row.created_at,
        entity_id=row.entity_id,
        entity_type=row.entity_type,
        name=row.name,
        value=row.value,
        numeric_value=float(row.value) if row.value_type == KeyValueType.NUMERIC and row.value else None,
        boolean_value=row.value == "true" if row.value_type == KeyValueType.BOOLEAN else None,
        value_type=row.value_type,
        description=row.description,
        creator_id=None,
        creator_name=row.created_by,
        category=row.category,
    )
