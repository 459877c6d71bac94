"""The registry: prediction environments and model packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker, once
from mgmt_ansible.control_plane.accepting_looks import accept_environment_status
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.environment_values import environment_values, new_environment_values
from mgmt_ansible.control_plane.package_files import ArchiveReceiver, PackageFiles, ReceivedArchive
from mgmt_ansible.control_plane.registered_models import take_version
from mgmt_ansible.control_plane.self_managed import switch
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.environments import EVERY_ENVIRONMENT, EnvironmentFilters
from mgmt_ansible.control_plane.store.packages import EVERY_PACKAGE, PackageFilters
from mgmt_ansible.control_plane.tagging import forget_all
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.orphans import Orphan


class PackageContents(Protocol):
    """What reading an archive tells, as `mgmt_ansible.archives.read_package` returns it."""

    @property
    def digest(self) -> str:
        """Of the unpacked files."""

    @property
    def runtime(self) -> str:
        """What serves the package."""


ReadPackage = Callable[[Path], PackageContents]
"""Checks an archive and tells what is in it; ArchiveError."""


class Registry:
    """Reads and changes environments and packages; NotFoundError for unknown ids."""

    def __init__(self, store: Store, wakeups: Wakeups, files: PackageFiles, read_package: ReadPackage) -> None:
        self._store = store
        self._wakeups = wakeups
        self._files = files
        self._read_package = read_package

    def list_environments(
        self, filters: EnvironmentFilters = EVERY_ENVIRONMENT, *, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.PredictionEnvironment]:
        """Return environments by name."""
        with self._store.read() as tx:
            return tx.environments.list(filters, limit=limit, offset=offset)

    def get_environment(self, environment_id: str) -> api_v2.PredictionEnvironment:
        """Return one."""
        with self._store.read() as tx:
            return tx.environments.get(environment_id)

    def create_environment(
        self, body: api_v2.PredictionEnvironmentIn, *, actor: str = ""
    ) -> api_v2.PredictionEnvironment:
        """Create one; ConflictError when the name is taken."""
        environment_id = make_id()
        values = new_environment_values(body)
        with self._store.write() as tx:
            _refuse_taken_name(tx, body.name)
            tx.environments.insert(environment_id, {**values, "created_by": actor}, created_at=tx.now)
            tx.audit.about(
                "prediction_environment", environment_id, environment_id=environment_id, summary=f"{body.name} created"
            )
            return tx.environments.get(environment_id)

    def update_environment(
        self, environment_id: str, body: api_v2.PredictionEnvironmentPatch, *, actor: str = ""
    ) -> api_v2.PredictionEnvironment:
        """Change what is given.

        Raises:
            ConflictError: The name is taken, or an agent is at work where none shall be any more.
        """
        values = environment_values(body)
        with self._store.write() as tx:
            environment = tx.environments.record(environment_id)
            if body.name is not None and body.name != environment.name:
                _refuse_taken_name(tx, body.name)
            managed = bool(values.get("is_managed_by_management_agent", environment.managed))
            if managed is not environment.managed:
                switch(tx, environment, managed=managed, actor=actor)
            tx.environments.update(environment_id, values)
            changed = tx.environments.get(environment_id)
        self._wakeups.notify()
        return changed

    def delete_environment(self, environment_id: str) -> None:
        """Remove one.

        Raises:
            GoneError: It was removed before.
            InvalidRequestError: Deployments use it.
        """
        with self._store.write() as tx:
            if tx.environments.was_deleted(environment_id):
                raise errors.GoneError(f"prediction environment {environment_id} was deleted before")
            environment = tx.environments.record(environment_id)
            users = tx.environments.deployments_using(environment_id)
            if users:
                raise errors.InvalidRequestError(
                    f"prediction environment {environment.name} has {users} deployment(s): delete those first"
                )
            tx.environments.delete(environment_id, at=tx.now)
            forget_all(tx, EntityType.ENVIRONMENT, environment_id)

    def list_hosts(
        self, environment_id: str, *, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.EnvironmentHost]:
        """Return the agent's snapshot, in inventory order."""
        with self._store.read() as tx:
            tx.environments.record(environment_id)
            return tx.environments.list_hosts(environment_id, limit=limit, offset=offset)

    def list_checks(self, environment_id: str, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.HostCheck]:
        """Return what the newest looks at hosts found, hosts on which a run would fail first."""
        with self._store.read() as tx:
            tx.environments.record(environment_id)
            return tx.host_checks.list(environment_id, limit=limit, offset=offset)

    def list_orphans(self, environment_id: str, *, limit: int = 50, offset: int = 0) -> api_v2.Page[Orphan]:
        """Return what lies on hosts and is no deployment here, as the newest looks saw it; what runs comes first."""
        with self._store.read() as tx:
            tx.environments.record(environment_id)
            return tx.orphans.list(environment_id, limit=limit, offset=offset)

    def request_status(self, environment_id: str, body: api_v2.ActionIn, asker: Asker) -> api_v2.ActionAccepted:
        """Ask for the status of all deployments; one that is under way already is returned."""
        if body.type is not ActionType.ENVIRONMENT_STATUS:
            raise errors.InvalidRequestError("type: an environment takes environment_status only")
        with self._store.write() as tx:
            accepted = once(
                tx,
                asker,
                {"environment": environment_id, **body.model_dump()},
                lambda digest: accept_environment_status(
                    tx, environment_id, asker, timeout_seconds=body.timeout_seconds, digest=digest
                ),
            )
        self._wakeups.notify()
        return accepted

    def list_packages(
        self, filters: PackageFilters = EVERY_PACKAGE, *, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """Return packages, newest first."""
        with self._store.read() as tx:
            return tx.packages.list(filters, limit=limit, offset=offset)

    def get_package(self, package_id: str) -> api_v2.ModelPackage:
        """Return one."""
        with self._store.read() as tx:
            return tx.packages.get(package_id)

    def get_package_with_archive(self, package_id: str) -> api_v2.ModelPackage:
        """Return one that has an archive; InvalidRequestError for one that is known by its description only."""
        package = self.get_package(package_id)
        if package.runtime == Runtime.EXTERNAL:
            raise errors.InvalidRequestError(
                f"model package {package_id} was made from its description and has no archive: add one with its archive"
            )
        return package

    def get_scoring_code(self, package_id: str) -> api_v2.ModelPackage:
        """Return one whose archive is scoring code; InvalidRequestError for any other."""
        package = self.get_package(package_id)
        if package.runtime != Runtime.SCORING_CODE:
            raise errors.InvalidRequestError(
                f"model package {package_id} has no scoring code: its runtime is {package.runtime}; fetch modelPackageFile"
            )
        return package

    def archive_package(self, package_id: str) -> None:
        """Take one out of lists for good; InvalidRequestError while deployments or aliases use it."""
        with self._store.write() as tx:
            _refuse_used(tx, tx.packages.get(package_id))
            tx.packages.archive(package_id, at=tx.now)

    def archive_path(self, package_id: str, principal: Principal | None = None) -> Path:
        """Return where a package's archive lies.

        Raises:
            ForbiddenError: The principal is an agent, and nothing in its environments is about the package.
            InvalidRequestError: The package has no archive.
            StoreError: The file is gone.
        """
        package = self.get_package_with_archive(package_id)
        with self._store.read() as tx:
            if principal is not None and principal.kind == "agent":
                _check_may_fetch(tx, principal, package_id)
        path = self._files.path_of(package.archive_sha256)
        if not path.is_file():
            raise errors.StoreError(f"the archive of model package {package_id} is missing: restore {path.name}")
        return path

    def receive_archive(self) -> ArchiveReceiver:
        """Begin to take an archive; hand what it finishes to `add_package`, and always discard it afterwards."""
        return self._files.receive()

    def add_package(
        self, *, name: str, version: str, archive: ReceivedArchive, actor: str = ""
    ) -> tuple[api_v2.ModelPackage, bool]:
        """Add a package.

        Returns:
            The package, and whether it is new: the same content under that name and version is there once.

        Raises:
            ArchiveError: Broken, hostile, or not a model package.
            ConflictError: Other content is there under that name and version.
        """
        contents = self._read_package(archive.path)
        package = ModelPackage(
            id=make_id(),
            name=name,
            version=version,
            digest=contents.digest,
            archive_sha256=archive.sha256,
            archive_bytes=archive.size_bytes,
            runtime=contents.runtime,
        )
        with self._store.write() as tx:
            known = tx.packages.find_version(name, version)
            if known is not None and known.digest != package.digest:
                raise errors.ConflictError(f"model package {name} {version} has other content: take a new version")
            if known is not None:
                return known, False
            self._files.keep(archive)
            model_id, number = take_version(tx, name, by=actor)
            tx.packages.insert(
                package, registered_model_id=model_id, version_number=number, created_at=tx.now, created_by=actor
            )
            tx.audit.about("model_package", package.id, summary=f"{name} {version} added, digest {package.digest}")
            return tx.packages.get(package.id), True

    def delete_package(self, package_id: str) -> None:
        """Remove one, and its archive when no other package has it.

        Raises:
            InvalidRequestError: Deployments use it, or aliases point to it.
        """
        with self._store.write() as tx:
            package = tx.packages.get(package_id)
            _refuse_used(tx, package)
            tx.packages.delete(package_id)
            tx.audit.about("model_package", package_id, summary=f"{package.name} {package.version} deleted")
            forget_all(tx, EntityType.PACKAGE, package_id)
        if package.archive_sha256:
            self._remove_unused(package.archive_sha256)

    def _remove_unused(self, archive_sha256: str) -> None:
        # After the deletion is durable, and again under the writer's lock: an upload of the same archive may have come.
        with self._store.write() as tx:
            if not tx.packages.archive_in_use(archive_sha256):
                self._files.remove(archive_sha256)


def _check_may_fetch(tx: Transaction, agent: Principal, package_id: str) -> None:
    if not tx.packages.referred_in(package_id, agent.environment_ids):
        raise errors.ForbiddenError(
            f"{agent.name} may not fetch model package {package_id}: nothing in its environments is about it"
        )


def _refuse_used(tx: Transaction, package: api_v2.ModelPackage) -> None:
    if tx.packages.is_deployed(package.id):
        users = tx.packages.deployments_using(package.id) or "another environment's"
        raise errors.InvalidRequestError(
            f"model package {package.name} {package.version} is used by {users} deployment(s): delete those first"
        )
    if package.aliases:
        raise errors.InvalidRequestError(
            f"model package {package.name} {package.version} is {', '.join(package.aliases)}: move the alias first"
        )


def _refuse_taken_name(tx: Transaction, name: str) -> None:
    if tx.environments.name_taken(name):
        raise errors.ConflictError(f"a prediction environment is named {name} already")
