"""Registered models: the names that packages are versions of, and the aliases that point to versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import scoping
from mgmt_ansible.control_plane.store.model_tables import MODEL_ALIASES, REGISTERED_MODELS
from mgmt_ansible.control_plane.store.paging import contains, page_of
from mgmt_ansible.control_plane.store.schema import DEPLOYMENTS, PACKAGES
from mgmt_ansible.wire import api_v2


class RegisteredModelRows:
    """Registered models in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, model_id: str, *, name: str, by: str, at: datetime) -> None:
        """Add one without versions; ConflictError when the name is taken."""
        self._connection.execute(
            REGISTERED_MODELS.insert().values(
                id=model_id,
                name=name,
                description="",
                created_at=at,
                created_by=by,
                modified_at=at,
                modified_by=by,
                last_version_number=0,
            )
        )

    def find_name(self, name: str) -> str | None:
        """Return the id of the registered model of this name."""
        query = sa.select(REGISTERED_MODELS.c.id).where(REGISTERED_MODELS.c.name == name)
        return self._connection.execute(query).scalar_one_or_none()

    def name_of(self, model_id: str) -> str:
        """Return the name of one; NotFoundError."""
        return str(self._row(model_id).name)

    def next_version(self, model_id: str, *, by: str, at: datetime) -> int:
        """Return the next number of a version, and remember it for ever; NotFoundError."""
        number = int(self._row(model_id).last_version_number) + 1
        self.update(model_id, {"last_version_number": number, "modified_by": by, "modified_at": at})
        return number

    def get(self, model_id: str) -> api_v2.RegisteredModel:
        """Return one; NotFoundError."""
        return self._to_wire(self._row(model_id))

    def list(self, *, search: str | None, limit: int, offset: int) -> api_v2.Page[api_v2.RegisteredModel]:
        """Return registered models by name."""
        table = REGISTERED_MODELS
        query = table.select().order_by(sa.func.lower(table.c.name), table.c.id)
        if search:
            query = query.where(sa.or_(contains(table.c.name, search), contains(table.c.description, search)))
        return page_of(self._connection, query, limit=limit, offset=offset, make=self._to_wire)

    def update(self, model_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        self._connection.execute(REGISTERED_MODELS.update().where(REGISTERED_MODELS.c.id == model_id).values(**values))

    def delete(self, model_id: str) -> None:
        """Remove one; the caller made sure that it has no versions."""
        self._connection.execute(REGISTERED_MODELS.delete().where(REGISTERED_MODELS.c.id == model_id))

    def aliases(self, model_id: str) -> tuple[api_v2.ModelAlias, ...]:
        """Return the aliases of a model, in order."""
        query = (
            sa.select(MODEL_ALIASES, PACKAGES.c.version, PACKAGES.c.version_number)
            .join(PACKAGES, PACKAGES.c.id == MODEL_ALIASES.c.package_id)
            .where(MODEL_ALIASES.c.registered_model_id == model_id)
            .order_by(MODEL_ALIASES.c.alias)
        )
        return tuple(
            api_v2.ModelAlias(
                alias=row.alias,
                model_package_id=row.package_id,
                registered_model_version=row.version_number,
                version=row.version,
                set_by=row.set_by,
                set_at=row.set_at,
            )
            for row in self._connection.execute(query)
        )

    def serves_unseen(self, model_id: str) -> bool:
        """Tell whether a deployment that whoever asks does not see wants a version of a model."""
        versions = sa.select(PACKAGES.c.id).where(PACKAGES.c.registered_model_id == model_id)
        query = sa.select(sa.func.count()).where(DEPLOYMENTS.c.package_id.in_(versions))
        everywhere = self._connection.execute(query, execution_options=scoping.EVERYWHERE).scalar_one()
        return bool(everywhere > self._connection.execute(query).scalar_one())

    def set_alias(self, model_id: str, alias: str, package_id: str, *, by: str, at: datetime) -> None:
        """Let an alias point to a package, wherever it pointed before."""
        self.delete_alias(model_id, alias)
        self._connection.execute(
            MODEL_ALIASES.insert().values(
                registered_model_id=model_id, alias=alias, package_id=package_id, set_by=by, set_at=at
            )
        )

    def delete_alias(self, model_id: str, alias: str) -> bool:
        """Remove an alias; False when there is none."""
        table = MODEL_ALIASES
        statement = table.delete().where(table.c.registered_model_id == model_id, table.c.alias == alias)
        return bool(self._connection.execute(statement).rowcount)

    def _row(self, model_id: str) -> sa.Row[Any]:
        query = REGISTERED_MODELS.select().where(REGISTERED_MODELS.c.id == model_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"registered model {model_id} does not exist")
        return row

    def _to_wire(self, row: sa.Row[Any]) -> api_v2.RegisteredModel:
        versions = PACKAGES.select().where(PACKAGES.c.registered_model_id == row.id)
        newest = self._connection.execute(versions.order_by(PACKAGES.c.version_number.desc()).limit(1)).one_or_none()
        count = sa.select(sa.func.count()).where(PACKAGES.c.registered_model_id == row.id)
        return api_v2.RegisteredModel(
            id=row.id,
            name=row.name,
            description=row.description,
            created_at=row.created_at,
            created_by=row.created_by,
            modified_at=row.modified_at,
            modified_by=row.modified_by,
            last_version_num=row.last_version_number,
            version_count=self._connection.execute(count).scalar_one(),
            target=api_v2.ModelTarget.model_validate((newest and newest.target) or {}),
            aliases=list(self.aliases(row.id)),
        )
