"""Model packages, through `/api/v2`: streamed up, resumed down, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import requests

from mgmt_ansible import errors
from mgmt_ansible.client.transport import Transport, parse_answer, segment
from mgmt_ansible.wire.api_v2 import BuildAccepted, ModelPackage, ModelPackageIn

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

_CHUNK_BYTES = 256 * 1024
_UPLOAD_ANSWER_SECONDS = 600.0
_DOWNLOAD_TRIES = 5
_PARTIAL_CONTENT = 206


class Packages:
    """Verbs on model packages."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_packages(
        self,
        *,
        name: str | None = None,
        version: str | None = None,
        digest: str | None = None,
        model_id: str | None = None,
        registered_model_id: str | None = None,
        search: str | None = None,
        show_archived: bool = False,
    ) -> Iterator[ModelPackage]:
        """Yield packages, newest first, page after page.

        Args:
            name: Exactly this name.
            version: Exactly this version.
            digest: With this content.
            model_id: Of this model: the digest, unless its author told another.
            registered_model_id: Versions of this registered model.
            search: With this text in name or version.
            show_archived: Also archived ones.
        """
        query = {
            "name": name,
            "version": version,
            "digest": digest,
            "modelId": model_id,
            "registeredModelId": registered_model_id,
            "search": search,
            "showArchived": show_archived,
        }
        return self._transport.pages(ModelPackage, "modelPackages/", query)

    def add_external(self, package: ModelPackageIn) -> ModelPackage:
        """Add a package that is known by its description only; self-managed environments take it."""
        return self._transport.send(ModelPackage, "POST", "modelPackages/fromJSON/", body=package)

    def archive(self, package_id: str) -> None:
        """Take a package out of lists for good; InvalidRequestError while deployments or aliases use it."""
        self._transport.read("POST", f"modelPackages/{segment(package_id)}/archive/")

    def build_file(self, package_id: str) -> BuildAccepted:
        """Ask for the archive the vendor's way; it is there already, so that `download` alone does the same."""
        return self._transport.send(
            BuildAccepted, "POST", f"modelPackages/{segment(package_id)}/modelPackageFileBuilds/"
        )

    def build_scoring_code(self, package_id: str) -> BuildAccepted:
        """Ask for scoring code; InvalidRequestError unless the package's runtime is `scoring_code`."""
        return self._transport.send(BuildAccepted, "POST", f"modelPackages/{segment(package_id)}/scoringCodeBuilds/")

    def open_scoring_code(self, package_id: str) -> AbstractContextManager[requests.Response]:
        """Lend the unread answer with the scoring code; InvalidRequestError unless the runtime is `scoring_code`."""
        return self._transport.open("GET", f"modelPackages/{segment(package_id)}/scoringCode/")

    def get_package(self, package_id: str) -> ModelPackage:
        """Return one package; NotFoundError without it."""
        return self._transport.get(ModelPackage, f"modelPackages/{segment(package_id)}/")

    def delete_package(self, package_id: str) -> None:
        """Delete a package; InvalidRequestError while deployments use it."""
        self._transport.read("DELETE", f"modelPackages/{segment(package_id)}/")

    def upload(self, archive: Path, *, name: str, version: str, on_progress: Progress | None = None) -> ModelPackage:
        """Register an archive under a name and version; streamed, never wholly in memory.

        Args:
            archive: A tar, tar.gz or zip with `model-package.json` at its root.
            name: Shared by the versions.
            version: Free text, unique per name.
            on_progress: See `Progress`.

        Returns:
            The package; the one that is there when the same content was registered under this name and version before.

        Raises:
            ArchiveError: The control plane refused the archive.
            ConflictError: Other content has this name and version.
            OSError: The archive cannot be read.
        """
        size = archive.stat().st_size
        with archive.open("rb") as file:
            body = _CountedReader(file, size, on_progress)
            query = {"name": name, "version": version}
            headers = {"Content-Type": "application/octet-stream"}
            with self._transport.open(
                "POST",
                "modelPackages/",
                data=body,
                query=query,
                headers=headers,
                read_timeout_seconds=_UPLOAD_ANSWER_SECONDS,
            ) as response:
                return parse_answer(ModelPackage, response.content)

    def download(self, package_id: str, target: Path, *, on_progress: Progress | None = None) -> ModelPackage:
        """Download a package's archive, going on where a broken download stopped.

        Args:
            package_id: Which one.
            target: The file to write; it appears whole and checked, or not at all (`.part` beside it meanwhile).
            on_progress: See `Progress`.

        Raises:
            ArchiveError: What came is not what its sha256 says.
            ControlPlaneUnavailableError: The connection broke five times.
            OSError: The file cannot be written.
        """
        package = self.get_package(package_id)
        part = target.with_name(target.name + ".part")
        for tried in range(1, _DOWNLOAD_TRIES + 1):
            try:
                self._fetch_rest(package, part, on_progress)
                break
            except errors.ControlPlaneUnavailableError:
                if tried == _DOWNLOAD_TRIES:
                    raise
        _check(package, part)
        part.replace(target)
        return package

    def _fetch_rest(self, package: ModelPackage, part: Path, on_progress: Progress | None) -> None:
        done = part.stat().st_size if part.exists() else 0
        if done == package.archive_bytes:
            return
        if done > package.archive_bytes:
            done = 0
        headers = {"Accept": "application/octet-stream", "Accept-Encoding": "identity"}
        if done:
            headers["Range"] = f"bytes={done}-"
        path = f"modelPackages/{segment(package.id)}/modelPackageFile/"
        with self._transport.open("GET", path, headers=headers) as response:
            resumed = response.status_code == _PARTIAL_CONTENT
            done = done if resumed else 0
            with part.open("ab" if resumed else "wb") as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    done += len(chunk)
                    if done > package.archive_bytes:
                        raise errors.ArchiveError(f"package {package.id}: more bytes came than it has")
                    file.write(chunk)
                    if on_progress is not None:
                        on_progress(done, package.archive_bytes)


class _CountedReader:
    """A body that tells its length and how far it was read; no more of a file than requests asks of one."""

    def __init__(self, file: BinaryIO, size: int, on_progress: Progress | None) -> None:
        self._file = file
        self._size = size
        self._done = 0
        self._on_progress = on_progress

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(max(size, _CHUNK_BYTES))
        self._done += len(chunk)
        if self._on_progress is not None and chunk:
            self._on_progress(self._done, self._size)
        return chunk


def _check(package: ModelPackage, part: Path) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.archive_sha256:
        part.unlink()
        raise errors.ArchiveError(
            f"package {package.id}: the download's sha256 is {found}, not {package.archive_sha256}"
        )
