"""Model packages: what is known of an archive; its bytes lie beside the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import scoping
from mgmt_ansible.control_plane.store.model_tables import MODEL_ALIASES, REGISTERED_MODELS
from mgmt_ansible.control_plane.store.paging import contains, page_of
from mgmt_ansible.control_plane.store.schema import ACTIONS, DEPLOYMENTS, PACKAGES
from mgmt_ansible.domain.model_aliases import split_reference
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.wire import api_v2


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFilters:
    """Which packages; what is None asks nothing, and archived ones are left out unless asked for."""

    name: str | None = None
    version: str | None = None
    digest: str | None = None
    model_id: str | None = None
    registered_model_id: str | None = None
    search: str | None = None
    archived: bool = False


EVERY_PACKAGE = PackageFilters()


class PackageRows:
    """Packages in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(
        self,
        package: ModelPackage,
        *,
        registered_model_id: str,
        version_number: int,
        created_at: datetime,
        **told: object,
    ) -> None:
        """Add one; ConflictError when name and version are taken.

        Args:
            package: What actions carry.
            registered_model_id: Whose version it is.
            version_number: Of that model.
            created_at: Aware.
            told: `created_by`, `model_id`, `user_provided_id`, `target`, `model_description`.
        """
        self._connection.execute(
            PACKAGES.insert().values(
                id=package.id,
                name=package.name,
                version=package.version,
                digest=package.digest,
                archive_sha256=package.archive_sha256,
                archive_bytes=package.archive_bytes,
                runtime=str(package.runtime),
                created_at=created_at,
                registered_model_id=registered_model_id,
                version_number=version_number,
                **told,
            )
        )

    def get(self, package_id: str) -> api_v2.ModelPackage:
        """Return one; NotFoundError."""
        return self._to_wire(self._row(package_id))

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

    def list(self, filters: PackageFilters, *, limit: int, offset: int) -> api_v2.Page[api_v2.ModelPackage]:
        """Return packages, newest first."""
        query = PACKAGES.select().order_by(PACKAGES.c.sequence.desc())
        exact: Mapping[sa.ColumnElement[Any], str | None] = {
            PACKAGES.c.name: filters.name,
            PACKAGES.c.version: filters.version,
            PACKAGES.c.digest: filters.digest,
            PACKAGES.c.registered_model_id: filters.registered_model_id,
            sa.func.coalesce(PACKAGES.c.model_id, PACKAGES.c.digest): filters.model_id,
        }
        query = query.where(*(column == value for column, value in exact.items() if value is not None))
        if not filters.archived:
            query = query.where(PACKAGES.c.archived_at.is_(None))
        if filters.search:
            query = query.where(sa.or_(*(contains(PACKAGES.c[name], filters.search) for name in ("name", "version"))))
        return page_of(self._connection, query, limit=limit, offset=offset, make=self._to_wire)

    def archive(self, package_id: str, *, at: datetime) -> None:
        """Take one out of lists; the first time counts."""
        statement = PACKAGES.update().where(PACKAGES.c.id == package_id, PACKAGES.c.archived_at.is_(None))
        self._connection.execute(statement.values(archived_at=at))

    def aliases_of(self, package_id: str) -> tuple[str, ...]:
        """Return the aliases that point to one, in order."""
        query = sa.select(MODEL_ALIASES.c.alias).where(MODEL_ALIASES.c.package_id == package_id)
        return tuple(self._connection.execute(query.order_by(MODEL_ALIASES.c.alias)).scalars())

    def resolve(self, reference: str) -> ModelPackage:
        """Return the package of an id, or of `NAME@ALIAS`, as actions carry it; NotFoundError."""
        parts = split_reference(reference)
        if parts is None:
            return self.value(reference)
        query = (
            PACKAGES.select()
            .join(MODEL_ALIASES, MODEL_ALIASES.c.package_id == PACKAGES.c.id)
            .join(REGISTERED_MODELS, REGISTERED_MODELS.c.id == MODEL_ALIASES.c.registered_model_id)
            .where(REGISTERED_MODELS.c.name == parts[0], MODEL_ALIASES.c.alias == parts[1])
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"registered model {parts[0]} has no alias {parts[1]}, or does not exist")
        return package_from_row(row)

    def delete(self, package_id: str) -> None:
        """Remove one; the caller made sure that no deployment uses it."""
        self._connection.execute(PACKAGES.delete().where(PACKAGES.c.id == package_id))

    def deployments_using(self, package_id: str) -> int:
        """Count the deployments that want it."""
        query = sa.select(sa.func.count()).where(DEPLOYMENTS.c.package_id == package_id)
        return int(self._connection.execute(query).scalar_one())

    def is_deployed(self, package_id: str) -> bool:
        """Tell whether any deployment wants it, also one that whoever asks does not see."""
        query = sa.select(DEPLOYMENTS.c.id).where(DEPLOYMENTS.c.package_id == package_id).limit(1)
        return self._connection.execute(query, execution_options=scoping.EVERYWHERE).first() is not None

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

    def archives(self) -> frozenset[str]:
        """Return the sha256 of every archive that a package has."""
        return frozenset(self._connection.execute(sa.select(PACKAGES.c.archive_sha256)).scalars())

    def archive_in_use(self, archive_sha256: str) -> bool:
        """Tell whether any package still has this archive."""
        return self._find(PACKAGES.c.archive_sha256 == archive_sha256) is not None

    def _find(self, *conditions: sa.ColumnElement[bool]) -> api_v2.ModelPackage | None:
        query = PACKAGES.select().where(*conditions).order_by(PACKAGES.c.sequence.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else self._to_wire(row)

    def _to_wire(self, row: sa.Row[Any]) -> api_v2.ModelPackage:
        return api_v2.ModelPackage(
            id=row.id,
            name=row.name,
            version=row.version,
            digest=row.digest,
            archive_sha256=row.archive_sha256,
            archive_bytes=row.archive_bytes,
            runtime=row.runtime,
            model_id=row.model_id or row.digest,
            created_at=row.created_at,
            created_by=row.created_by,
            registered_model_id=row.registered_model_id,
            registered_model_version=row.version_number,
            model_description=api_v2.ModelDescription.model_validate(row.model_description or {"model_name": row.name}),
            target=api_v2.ModelTarget.model_validate(row.target or {}),
            user_provided_id=row.user_provided_id,
            is_archived=row.archived_at is not None,
            active_deployment_count=self.deployments_using(row.id),
            aliases=list(self.aliases_of(row.id)),
        )

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
        runtime=row.runtime,
    )
