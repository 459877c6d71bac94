"""Model packages: what is known of an archive; its bytes lie beside the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.schema import ACTIONS, DEPLOYMENTS, PACKAGES
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.wire import api_v2


class PackageRows:
    """Packages in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, package: ModelPackage, *, created_at: datetime) -> None:
        """Add one; ConflictError when name and version are taken."""
        self._connection.execute(
            PACKAGES.insert().values(
                id=package.id,
                name=package.name,
                version=package.version,
                digest=package.digest,
                archive_sha256=package.archive_sha256,
                archive_bytes=package.archive_bytes,
                runtime=package.runtime.value,
                created_at=created_at,
            )
        )

    def get(self, package_id: str) -> api_v2.ModelPackage:
        """Return one; NotFoundError."""
        return _to_wire(self._row(package_id))

    def value(self, package_id: str) -> ModelPackage:
        """Return one as actions carry it; NotFoundError."""
        return package_from_row(self._row(package_id))

    def exists(self, package_id: str) -> bool:
        """Tell whether the id is in use."""
        return self._find(PACKAGES.c.id == package_id) is not None

    def find_version(self, name: str, version: str) -> api_v2.ModelPackage | None:
        """Return the package of that name and version."""
        return self._find(PACKAGES.c.name == name, PACKAGES.c.version == version)

    def find_digest(self, digest: str) -> api_v2.ModelPackage | None:
        """Return the newest package with that content."""
        return self._find(PACKAGES.c.digest == digest)

    def list(
        self, *, name: str | None, version: str | None, digest: str | None, limit: int, offset: int
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """Return packages, newest first."""
        query = PACKAGES.select().order_by(PACKAGES.c.sequence.desc())
        for column, value in ((PACKAGES.c.name, name), (PACKAGES.c.version, version), (PACKAGES.c.digest, digest)):
            query = query if value is None else query.where(column == value)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def delete(self, package_id: str) -> None:
        """Remove one; the caller made sure that no deployment uses it."""
        self._connection.execute(PACKAGES.delete().where(PACKAGES.c.id == package_id))

    def deployments_using(self, package_id: str) -> int:
        """Count the deployments that want it."""
        query = sa.select(sa.func.count()).where(DEPLOYMENTS.c.package_id == package_id)
        return int(self._connection.execute(query).scalar_one())

    def referred_in(self, package_id: str, environment_ids: Sequence[str]) -> bool:
        """Tell whether a deployment or an action of one of these environments is about it."""
        deployed = sa.select(DEPLOYMENTS.c.id).where(
            DEPLOYMENTS.c.package_id == package_id, DEPLOYMENTS.c.environment_id.in_(environment_ids)
        )
        asked = sa.select(ACTIONS.c.id).where(
            ACTIONS.c.environment_id.in_(environment_ids),
            ACTIONS.c.spec[("deployment", "package", "id")].as_string() == package_id,
        )
        return any(self._connection.execute(query.limit(1)).first() is not None for query in (deployed, asked))

    def archive_in_use(self, archive_sha256: str) -> bool:
        """Tell whether any package still has this archive."""
        return self._find(PACKAGES.c.archive_sha256 == archive_sha256) is not None

    def _find(self, *conditions: sa.ColumnElement[bool]) -> api_v2.ModelPackage | None:
        query = PACKAGES.select().where(*conditions).order_by(PACKAGES.c.sequence.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _to_wire(row)

    def _row(self, package_id: str) -> sa.Row[Any]:
        row = self._connection.execute(PACKAGES.select().where(PACKAGES.c.id == package_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"model package {package_id} does not exist")
        return row


def package_from_row(row: sa.Row[Any]) -> ModelPackage:
    """Return the domain value of a row of `packages`."""
    return ModelPackage(
        id=row.id,
        name=row.name,
        version=row.version,
        digest=row.digest,
        archive_sha256=row.archive_sha256,
        archive_bytes=row.archive_bytes,
        runtime=Runtime(row.runtime),
    )


def _to_wire(row: sa.Row[Any]) -> api_v2.ModelPackage:
    return api_v2.ModelPackage(
        id=row.id,
        name=row.name,
        version=row.version,
        digest=row.digest,
        archive_sha256=row.archive_sha256,
        archive_bytes=row.archive_bytes,
        runtime=row.runtime,
        model_id=row.digest,
        created_at=row.created_at,
    )
