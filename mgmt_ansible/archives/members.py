"""Walk an archive from outside without unpacking it, refusing whatever is not a plain file or folder.

Tar (plain or gzip) and zip. The limits and refusals are those of the host's own extractor (`mgmt_host.content.archive_members`); one
contract test feeds both the same hostile archives. Source: reliability demand S9.
"""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Self, cast

from mgmt_ansible import errors

MAX_BYTES = 10 << 30
MAX_MEMBERS = 100_000
MAX_RATIO = 200
RATIO_FREE_BYTES = 1 << 20
"""Below that size nothing is refused for its ratio: a small file of zeros is no bomb."""

_HEADER_BYTES = 1 << 20
_PART_BYTES = 255
_PATH_CHARACTERS = 4000
_ENCRYPTED = 1
_ENDS = (tarfile.EmptyHeaderError, tarfile.EOFHeaderError)  # type: ignore[attr-defined] # typeshed knows only their base
_HEADER_ERRORS = (tarfile.HeaderError,)

# What the standard library raises on broken archives; found by the contract test's fuzzing.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    IndexError,
    KeyError,
    OverflowError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A regular file inside an archive.

    Attributes:
        path: Normalised: relative, `/` between parts.
        mode: `0755` or `0644`.
        content: Read it before the next member is asked for.
    """

    path: str
    mode: str
    content: IO[bytes]


def walk(archive_path: Path) -> Iterator[Member]:
    """Yield the regular files of an archive in its order; consume it inside `naming_faults`.

    Raises:
        ArchiveError: Broken, hostile or too large.
    """
    with archive_path.open("rb") as stream:
        budget = _Budget.of(archive_path.stat().st_size)
        magic = stream.read(2)
        stream.seek(0)
        if magic == b"PK":
            yield from _walk_zip(stream, budget)
        elif magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield from _walk_tar(cast("IO[bytes]", unpacked), budget)
        else:
            yield from _walk_tar(stream, budget)


@contextmanager
def naming_faults() -> Iterator[None]:
    """Turn what the standard library says of broken archives, while walking or reading, into one error.

    Raises:
        ArchiveError: The archive is broken.
    """
    try:
        yield
    except _BROKEN as error:
        raise errors.ArchiveError(f"the archive is broken: {error}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # what seeking to a zip's false offset gives
            raise
        raise errors.ArchiveError("the archive is broken: an offset is outside of it") from error


@dataclass(slots=True, kw_only=True)
class _Budget:
    """What an archive may still hold."""

    left_bytes: int
    left_members: int = MAX_MEMBERS
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, archive_bytes: int) -> _Budget:
        return cls(left_bytes=min(MAX_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * archive_bytes)))

    def spend_member(self) -> None:
        self.left_members -= 1
        if self.left_members < 0:
            raise errors.ArchiveError(f"the archive has more than {MAX_MEMBERS} members")

    def add_folder(self, path: str | None) -> None:
        if path is not None:
            if path in self.files or self._has_file_above(path):
                raise errors.ArchiveError(f"the archive has {path!r} twice")
            self.folders.update({path, *_parents(path)})

    def add_file(self, path: str | None, size_bytes: int) -> str:
        if path is None or path in self.files or path in self.folders or self._has_file_above(path):
            raise errors.ArchiveError(f"the archive has {path!r} twice")
        if not 0 <= size_bytes <= self.left_bytes:
            raise errors.ArchiveError(f"the archive unpacks to too many bytes at {path!r}")
        self.left_bytes -= size_bytes
        self.files.add(path)
        self.folders.update(_parents(path))
        return path

    def _has_file_above(self, path: str) -> bool:
        return any(parent in self.files for parent in _parents(path))


class _Rationed(io.RawIOBase):
    """A reader that gives at most a ration, so that headers cannot fill the memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.ration_bytes = _HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.ration_bytes -= len(data)
        if self.ration_bytes < 0:
            raise errors.ArchiveError("the archive's headers are too large")
        return data


class _WholeTarInfo(tarfile.TarInfo):
    """Refuses a header that is broken; the standard library takes one behind the first for the archive's end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:  # the standard library's name for it
        """Return the next member."""
        try:
            return super().fromtarfile(tarfile)
        except _ENDS:
            raise
        except _HEADER_ERRORS as error:
            raise errors.ArchiveError(f"the archive is broken: {error}") from error


def _walk_tar(stream: IO[bytes], budget: _Budget) -> Iterator[Member]:
    rationed = _Rationed(stream)
    with tarfile.open(fileobj=rationed, mode="r|", errors="strict", tarinfo=_WholeTarInfo) as archive:
        for info in archive:
            budget.spend_member()
            path = _safe_path(info.name)
            if info.isdir():
                budget.add_folder(path)
            else:
                yield _tar_member(archive, info, path, budget, rationed)
            rationed.ration_bytes = _HEADER_BYTES


def _tar_member(
    archive: tarfile.TarFile, info: tarfile.TarInfo, path: str | None, budget: _Budget, rationed: _Rationed
) -> Member:
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.issparse():
        raise errors.ArchiveError(f"the archive has something else than files and folders: {info.name!r}")
    taken = budget.add_file(path, info.size)
    rationed.ration_bytes = info.size + _HEADER_BYTES
    content = archive.extractfile(info)
    if content is None:
        raise errors.ArchiveError(f"the archive's member {taken!r} has no content")
    return Member(path=taken, mode=_mode(info.mode), content=content)


def _walk_zip(stream: IO[bytes], budget: _Budget) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            budget.spend_member()
            path = _safe_path(info.filename)
            unix_mode = info.external_attr >> 16
            wanted = stat.S_IFDIR if info.is_dir() else stat.S_IFREG
            if stat.S_IFMT(unix_mode) not in (0, wanted) or info.flag_bits & _ENCRYPTED:
                raise errors.ArchiveError(f"the archive has something else than plain files: {info.filename!r}")
            if info.is_dir():
                budget.add_folder(path)
                continue
            taken = budget.add_file(path, info.file_size)
            with archive.open(info) as content:
                yield Member(path=taken, mode=_mode(unix_mode), content=content)


def _mode(unix_mode: int) -> str:
    return "0755" if unix_mode & 0o111 else "0644"


def _parents(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents][:-1]


def _safe_path(name: str) -> str | None:
    parts = name.removesuffix("/").split("/")
    while parts and parts[0] == ".":
        parts = parts[1:]
    unsafe = name.startswith("/") or "\\" in name or not name.isprintable() or len(name) > _PATH_CHARACTERS
    if unsafe or any(part in ("", ".", "..") or len(part.encode()) > _PART_BYTES for part in parts):
        raise errors.ArchiveError(f"the archive has an unsafe path: {name!r}")
    return "/".join(parts) or None
