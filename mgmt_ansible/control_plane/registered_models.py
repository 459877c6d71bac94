"""Registered models: their versions, aliases that are moved between them, and packages that are known by description only."""

from __future__ import annotations

import hashlib
import json

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.packages import PackageFilters
from mgmt_ansible.control_plane.tagging import forget_all
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.domain.model_aliases import is_alias
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2


class RegisteredModels:
    """Reads and changes registered models; NotFoundError for unknown ids."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_models(
        self, *, search: str | None = None, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.RegisteredModel]:
        """Return registered models by name; `search` looks into name and description."""
        with self._store.read() as tx:
            return tx.registered_models.list(search=search, limit=limit, offset=offset)

    def get_model(self, model_id: str) -> api_v2.RegisteredModel:
        """Return one."""
        with self._store.read() as tx:
            return tx.registered_models.get(model_id)

    def change_model(self, model_id: str, body: api_v2.RegisteredModelPatch, *, actor: str) -> api_v2.RegisteredModel:
        """Change name or description.

        Raises:
            ConflictError: The name is taken.
            ForbiddenError: A deployment that whoever asks does not see wants a version of it.
        """
        with self._store.write() as tx:
            model = _own_model(tx, model_id)
            values: dict[str, object] = {"modified_by": actor, "modified_at": tx.now}
            if body.description is not None:
                values["description"] = clean_text(body.description)
            if body.name is not None and body.name != model.name:
                if tx.registered_models.find_name(body.name) is not None:
                    raise errors.ConflictError(f"a registered model is named {body.name} already")
                values["name"] = body.name
            tx.registered_models.update(model_id, values)
            return tx.registered_models.get(model_id)

    def delete_model(self, model_id: str) -> None:
        """Remove one; InvalidRequestError while it has versions."""
        with self._store.write() as tx:
            model = tx.registered_models.get(model_id)
            if model.version_count:
                raise errors.InvalidRequestError(
                    f"registered model {model.name} has {model.version_count} version(s): delete those packages first"
                )
            tx.registered_models.delete(model_id)
            forget_all(tx, EntityType.REGISTERED_MODEL, model_id)

    def list_versions(
        self, model_id: str, *, archived: bool = False, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """Return the versions of one, newest first."""
        with self._store.read() as tx:
            tx.registered_models.get(model_id)
            filters = PackageFilters(registered_model_id=model_id, archived=archived)
            return tx.packages.list(filters, limit=limit, offset=offset)

    def get_version(self, model_id: str, package_id: str) -> api_v2.ModelPackage:
        """Return a version; NotFoundError also when it is one of another model."""
        with self._store.read() as tx:
            return _version(tx, model_id, package_id)

    def set_alias(self, model_id: str, alias: str, body: api_v2.ModelAliasIn, *, actor: str) -> api_v2.ModelAlias:
        """Let an alias point to a version, wherever it pointed before.

        Raises:
            ForbiddenError: A deployment that whoever asks does not see wants a version of the model.
            InvalidRequestError: The alias is none, or the version is archived.
            NotFoundError: The package is no version of the model.
        """
        if not is_alias(alias):
            raise errors.InvalidRequestError(
                f"alias: {alias} is none: lower-case letters, digits, - and _, at most 64, not `latest` and not `v1`"
            )
        with self._store.write() as tx:
            _own_model(tx, model_id)
            version = _version(tx, model_id, body.model_package_id)
            if version.is_archived:
                raise errors.InvalidRequestError(f"modelPackageId: {version.name} {version.version} is archived")
            tx.registered_models.set_alias(model_id, alias, version.id, by=actor, at=tx.now)
            return next(one for one in tx.registered_models.aliases(model_id) if one.alias == alias)

    def list_aliases(self, model_id: str) -> tuple[api_v2.ModelAlias, ...]:
        """Return the aliases of one, in order."""
        with self._store.read() as tx:
            tx.registered_models.get(model_id)
            return tx.registered_models.aliases(model_id)

    def get_alias(self, model_id: str, alias: str) -> api_v2.ModelAlias:
        """Return where an alias points."""
        found = next((one for one in self.list_aliases(model_id) if one.alias == alias), None)
        if found is None:
            raise errors.NotFoundError(f"registered model {model_id} has no alias {alias}")
        return found

    def delete_alias(self, model_id: str, alias: str) -> None:
        """Remove an alias; ForbiddenError when a deployment that whoever asks does not see wants a version of the model."""
        with self._store.write() as tx:
            _own_model(tx, model_id)
            if not tx.registered_models.delete_alias(model_id, alias):
                raise errors.NotFoundError(f"registered model {model_id} has no alias {alias}")

    def add_external(self, body: api_v2.ModelPackageIn, *, actor: str) -> api_v2.ModelPackage:
        """Add a package that is known by its description only.

        Raises:
            ConflictError: The version is taken.
            InvalidRequestError: Both an id and a name of the registered model are given, and are of different ones.
        """
        told = body.model_dump(mode="json", by_alias=True, exclude_none=True)
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        with self._store.write() as tx:
            model_id, number = take_version(tx, _model_of(tx, body), by=actor)
            package = ModelPackage(
                id=make_id(),
                name=body.name,
                version=body.version or _free_version(tx, body.name, number),
                digest=digest,
                archive_sha256="",
                archive_bytes=0,
                runtime=Runtime.EXTERNAL,
            )
            if tx.packages.find_version(package.name, package.version) is not None:
                raise errors.ConflictError(
                    f"model package {package.name} {package.version} is there: take a new version"
                )
            tx.packages.insert(
                package, registered_model_id=model_id, version_number=number, created_at=tx.now, **_told(body, actor)
            )
            return tx.packages.get(package.id)


def take_version(tx: Transaction, name: str, *, by: str) -> tuple[str, int]:
    """Return the id of the registered model of a name, made when it is missing, and the number of a new version."""
    model_id = tx.registered_models.find_name(name)
    if model_id is None:
        model_id = make_id()
        tx.registered_models.insert(model_id, name=name, by=by, at=tx.now)
    return model_id, tx.registered_models.next_version(model_id, by=by, at=tx.now)


def _own_model(tx: Transaction, model_id: str) -> api_v2.RegisteredModel:
    """Return a model that whoever asks may change: one that serves in none of the environments which they do not see."""
    model = tx.registered_models.get(model_id)
    if tx.registered_models.serves_unseen(model_id):
        raise errors.ForbiddenError(
            f"registered model {model.name} serves in environments that you do not see, too: ask somebody who sees all"
        )
    return model


def _model_of(tx: Transaction, body: api_v2.ModelPackageIn) -> str:
    if body.registered_model_id is None:
        return body.registered_model_name or body.name
    name = tx.registered_models.name_of(body.registered_model_id)
    if body.registered_model_name not in (None, name):
        raise errors.InvalidRequestError(f"registeredModelName: registeredModelId is that of {name}; send one of them")
    return name


def _free_version(tx: Transaction, name: str, number: int) -> str:
    while tx.packages.find_version(name, str(number)) is not None:
        number += 1
    return str(number)


def _told(body: api_v2.ModelPackageIn, actor: str) -> dict[str, object]:
    description = body.model_description or api_v2.ModelDescription()
    if description.description is not None:
        description = description.model_copy(update={"description": clean_text(description.description)})
    named = description.model_copy(update={"model_name": description.model_name or body.name})
    return {
        "created_by": actor,
        "model_id": body.model_id,
        "user_provided_id": body.user_provided_id,
        "target": None if body.target is None else body.target.model_dump(mode="json"),
        "model_description": named.model_dump(mode="json"),
    }


def _version(tx: Transaction, model_id: str, package_id: str) -> api_v2.ModelPackage:
    model = tx.registered_models.get(model_id)
    package = tx.packages.get(package_id)
    if package.registered_model_id != model_id:
        raise errors.NotFoundError(f"model package {package_id} is no version of registered model {model.name}")
    return package
