"""The registry: prediction environments and model packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker, accept_environment_status, once
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.package_files import ArchiveReceiver, PackageFiles, ReceivedArchive
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2


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

    def list_environments(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.PredictionEnvironment]:
        """Return environments by name."""
        with self._store.read() as tx:
            return tx.environments.list(limit=limit, offset=offset)

    def get_environment(self, environment_id: str) -> api_v2.PredictionEnvironment:
        """Return one."""
        with self._store.read() as tx:
            return tx.environments.get(environment_id)

    def create_environment(self, body: api_v2.PredictionEnvironmentIn) -> api_v2.PredictionEnvironment:
        """Create one; ConflictError when the name is taken."""
        environment_id = make_id()
        body = body.model_copy(update={"description": clean_text(body.description)})
        with self._store.write() as tx:
            _refuse_taken_name(tx, body.name)
            tx.environments.insert(environment_id, body, created_at=tx.now)
            return tx.environments.get(environment_id)

    def update_environment(
        self, environment_id: str, body: api_v2.PredictionEnvironmentPatch
    ) -> api_v2.PredictionEnvironment:
        """Change name, description or status interval; ConflictError when the name is taken."""
        values = body.model_dump(exclude_none=True)
        if "description" in values:
            values["description"] = clean_text(values["description"])
        with self._store.write() as tx:
            environment = tx.environments.record(environment_id)
            if body.name is not None and body.name != environment.name:
                _refuse_taken_name(tx, body.name)
            tx.environments.update(environment_id, values)
            return tx.environments.get(environment_id)

    def delete_environment(self, environment_id: str) -> None:
        """Remove one; InvalidRequestError while deployments use it."""
        with self._store.write() as tx:
            environment = tx.environments.record(environment_id)
            users = tx.environments.deployments_using(environment_id)
            if users:
                raise errors.InvalidRequestError(
                    f"prediction environment {environment.name} has {users} deployment(s): delete those first"
                )
            tx.environments.delete(environment_id)

    def list_hosts(
        self, environment_id: str, *, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[api_v2.EnvironmentHost]:
        """Return the agent's snapshot, in inventory order."""
        with self._store.read() as tx:
            tx.environments.record(environment_id)
            return tx.environments.list_hosts(environment_id, limit=limit, offset=offset)

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
        self,
        *,
        name: str | None = None,
        version: str | None = None,
        digest: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """Return packages, newest first."""
        with self._store.read() as tx:
            return tx.packages.list(name=name, version=version, digest=digest, limit=limit, offset=offset)

    def get_package(self, package_id: str) -> api_v2.ModelPackage:
        """Return one."""
        with self._store.read() as tx:
            return tx.packages.get(package_id)

    def archive_path(self, package_id: str, principal: Principal | None = None) -> Path:
        """Return where a package's archive lies.

        Raises:
            ForbiddenError: The principal is an agent, and nothing in its environments is about the package.
            StoreError: The file is gone.
        """
        with self._store.read() as tx:
            package = tx.packages.get(package_id)
            if principal is not None and principal.kind == "agent":
                _check_may_fetch(tx, principal, package_id)
        path = self._files.path_of(package.archive_sha256)
        if not path.is_file():
            raise errors.StoreError(f"the archive of model package {package_id} is missing: restore {path.name}")
        return path

    def receive_archive(self) -> ArchiveReceiver:
        """Begin to take an archive; hand what it finishes to `add_package`, and always discard it afterwards."""
        return self._files.receive()

    def add_package(self, *, name: str, version: str, archive: ReceivedArchive) -> tuple[api_v2.ModelPackage, bool]:
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
            runtime=Runtime(contents.runtime),
        )
        with self._store.write() as tx:
            known = tx.packages.find_version(name, version)
            if known is not None and known.digest != package.digest:
                raise errors.ConflictError(f"model package {name} {version} has other content: take a new version")
            if known is not None:
                return known, False
            self._files.keep(archive)
            tx.packages.insert(package, created_at=tx.now)
            return tx.packages.get(package.id), True

    def delete_package(self, package_id: str) -> None:
        """Remove one, and its archive when no other package has it; InvalidRequestError while deployments use it."""
        with self._store.write() as tx:
            package = tx.packages.get(package_id)
            users = tx.packages.deployments_using(package_id)
            if users:
                raise errors.InvalidRequestError(
                    f"model package {package.name} {package.version} is used by {users} deployment(s): delete those first"
                )
            tx.packages.delete(package_id)
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


def _refuse_taken_name(tx: Transaction, name: str) -> None:
    if tx.environments.name_taken(name):
        raise errors.ConflictError(f"a prediction environment is named {name} already")
