"""Package archives on disk: `<data>/packages/<sha256>`, written once, never changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mgmt_ansible import errors
from mgmt_ansible.control_plane import work_folders


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedArchive:
    """An archive that came whole but is not kept yet; `path` is temporary."""

    path: Path
    sha256: str
    size_bytes: int


@contextmanager
def _disk_faults(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise errors.StoreUnavailableError(f"{directory}: cannot be written: {exc.strerror}") from exc


class ArchiveReceiver:
    """Takes an archive piece by piece into a temporary file, hashing it on the way.

    Args:
        directory: Where archives are kept; the temporary file lies there too, so that a rename suffices.
        max_bytes: More is refused.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        descriptor, name = tempfile.mkstemp(prefix=".incoming-", dir=directory)
        self.path = Path(name)
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        self._max_bytes = max_bytes
        self._sha256 = hashlib.sha256()
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Take a piece.

        Raises:
            ArchiveError: The archive grows too large.
            StoreUnavailableError: The disk is full, or refuses.
        """
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise errors.ArchiveError(f"body: the archive is larger than {self._max_bytes} bytes")
        self._sha256.update(piece)
        with _disk_faults(self.path.parent):
            self._file.write(piece)

    def finish(self) -> ReceivedArchive:
        """Put it safely on disk and return it.

        Raises:
            ArchiveError: Nothing came.
            StoreUnavailableError: The disk is full, or refuses.
        """
        if not self._size:
            raise errors.ArchiveError("body: send the archive as the request's body")
        with _disk_faults(self.path.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return ReceivedArchive(path=self.path, sha256=self._sha256.hexdigest(), size_bytes=self._size)

    def discard(self) -> None:
        """Close and remove the temporary file; harmless after it was kept."""
        self.path.unlink(missing_ok=True)
        with _disk_faults(self.path.parent):
            self._file.close()


class PackageFiles:
    """The folder of archives.

    Args:
        directory: Made when missing; leftovers of broken uploads in it are removed.
        max_bytes: Largest archive that is taken.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes

    @property
    def directory(self) -> Path:
        """Where archives lie; names that begin with a dot are of what is under way."""
        return self._directory

    def prepare(self) -> None:
        """Make the folder, and remove what broken uploads and killed exports, backups and restores left."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._directory.glob(".incoming-*"):
            leftover.unlink(missing_ok=True)
        work_folders.sweep(self._directory)

    def receive(self) -> ArchiveReceiver:
        """Begin to take an archive; StoreUnavailableError when the disk refuses."""
        with _disk_faults(self._directory):
            return ArchiveReceiver(self._directory, max_bytes=self._max_bytes)

    def keep(self, archive: ReceivedArchive) -> None:
        """Keep an archive under its digest; StoreUnavailableError when the disk refuses."""
        with _disk_faults(self._directory):
            archive.path.replace(self.path_of(archive.sha256))
            descriptor = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def path_of(self, sha256: str) -> Path:
        """Return where an archive lies."""
        return self._directory / sha256

    def remove(self, sha256: str) -> None:
        """Remove an archive; a missing one is fine."""
        self.path_of(sha256).unlink(missing_ok=True)
