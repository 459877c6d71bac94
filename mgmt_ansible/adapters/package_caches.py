"""Model package archives on the agent's machine: downloaded once, resumed when broken off, kept by their sha256."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from mgmt_ansible import errors
from mgmt_ansible.adapters.archive_readers import ArchiveReader, Look
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.ports import CancelSignal, PackageCache

_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_TRIES = 5
_LOCK_SECONDS = 0.2
_BLOCK_BYTES = 1024 * 1024

_log = structlog.get_logger()


class ArchiveSource(Protocol):
    """Where archives come from."""

    def open_archive(self, package_id: str, *, offset: int) -> AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """Open an archive at an offset; gives the offset at which it really begins, and its octets."""
        ...


class _CanceledError(Exception):
    """The signal gave a reason to end."""


class FilePackageCache:
    """Archives as files; safe for several threads and processes at once."""

    def __init__(self, directory: Path, source: ArchiveSource) -> None:
        """Take the directory, made when missing, and the source."""
        self._directory = directory
        self._source = source

    def path(self, archive_sha256: str) -> Path:
        """Return where a fetched archive lies.

        Raises:
            ArchiveError: It was not fetched.
        """
        path = self._path(archive_sha256)
        if not path.is_file():
            raise errors.ArchiveError(f"the archive {archive_sha256} is not in the cache: it was not fetched")
        return path

    def fetch(self, package: ModelPackage, cancel: CancelSignal | None = None) -> Path | None:
        """Return the path of the package's archive, downloading it at most once; see the port.

        Raises:
            ArchiveError: What came is not what the digests say.
            ControlPlaneUnavailableError: It could not be downloaded.
            ExecutionError: The cache's disk refused.
        """
        target = self._path(package.archive_sha256)
        look = partial(_look, cancel)
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(target.with_suffix(".lock"), look):
                if not target.is_file():
                    self._download(package, target, look)
        except _CanceledError as exc:
            _log.warning("package_download_left", package_id=package.id, reason=str(exc))
            return None
        except OSError as exc:
            raise errors.ExecutionError(f"{self._directory}: the package cache cannot be written: {exc}") from exc
        return target

    def _path(self, archive_sha256: str) -> Path:
        if not _SHA256.match(archive_sha256):
            raise errors.ArchiveError(f"archive_sha256: {archive_sha256!r} is not 64 hex digits")
        return self._directory / f"{archive_sha256}.archive"

    def _download(self, package: ModelPackage, target: Path, look: Look) -> None:
        part = target.with_suffix(".part")
        for attempt in range(1, _TRIES + 1):
            try:
                self._receive(package, part, look)
                break
            except errors.ControlPlaneUnavailableError as exc:
                if attempt == _TRIES:
                    raise
                _log.warning("package_download_resumed", package_id=package.id, attempt=attempt, error=str(exc))
        _check(package, part, look)
        part.rename(target)
        _sync_directory(self._directory)
        _log.info("package_fetched", package_id=package.id, archive_bytes=package.archive_bytes)

    def _receive(self, package: ModelPackage, part: Path, look: Look) -> None:
        there = part.stat().st_size if part.exists() else 0
        if there == package.archive_bytes and there:
            return
        wanted = there if there < package.archive_bytes else 0
        opening = partial(self._source.open_archive, package.id, offset=wanted)
        with ArchiveReader(opening) as reader, _open_at(part, reader.begin(look)) as file:
            for piece in reader.pieces(look):
                file.write(piece)
                if file.tell() > package.archive_bytes:
                    break
            file.flush()
            os.fsync(file.fileno())


def _look(cancel: CancelSignal | None) -> None:
    reason = cancel.reason() if cancel is not None else None
    if reason is not None:
        raise _CanceledError(reason)


def _check(package: ModelPackage, part: Path, look: Look) -> None:
    size = part.stat().st_size
    digest = _sha256(part, look)
    if size == package.archive_bytes and digest == package.archive_sha256:
        return
    part.unlink()
    raise errors.ArchiveError(
        f"package {package.id}: {size} bytes with sha256 {digest} came, "
        f"{package.archive_bytes} bytes with {package.archive_sha256} were announced"
    )


def _sha256(path: Path, look: Look) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            look()
            digest.update(block)
    return digest.hexdigest()


def _open_at(part: Path, offset: int) -> BinaryIO:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT, 0o600)
    os.ftruncate(descriptor, offset)
    file = os.fdopen(descriptor, "wb")
    file.seek(offset)
    return file


@contextmanager
def _locked(path: Path, look: Look) -> Iterator[None]:
    """Hold a file's lock; each opening is a holder of its own, so threads exclude each other too."""
    with path.open("wb") as file:
        while not _try_lock(file):
            look()
            time.sleep(_LOCK_SECONDS)
        yield


def _try_lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_conforms: type[PackageCache] = FilePackageCache
