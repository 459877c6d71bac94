"""Read an archive from outside member by member, and refuse whatever is not a plain file or folder.

Tar (plain or gzip) and zip. `tarfile`'s own filters are not trusted: Debian 12's Python has none, later ones had holes.
Source: reliability demand S9.
"""

from __future__ import annotations

import errno
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Iterator

from ..failures import HostError

MAX_BYTES = 10 << 30
MAX_MEMBERS = 100000
MAX_RATIO = 200
RATIO_FREE_BYTES = 1 << 20
"""Below that size nothing is refused for its ratio: a small file of zeros is no bomb."""

MAX_HEADER_BYTES = 1 << 20
MAX_PART_BYTES = 255
MAX_PATH_CHARACTERS = 4000
_ENDS = (tarfile.EmptyHeaderError, tarfile.EOFHeaderError)  # type: ignore[attr-defined] # typeshed knows only their base
_HEADER_ERRORS = (tarfile.HeaderError,)
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
    IndexError,
    KeyError,
    OverflowError,
)


@dataclass(frozen=True)
class Member:
    """A regular file inside an archive.

    Attributes:
        path: Normalised: relative, `/` between parts.
        mode: `0755` or `0644`.
        stream: Its content; read it before the next member is asked for.
    """

    path: str
    mode: str
    stream: IO[bytes]


@contextmanager
def refusing_broken(archive_path: str) -> Iterator[None]:
    """Turn what the standard library says of broken archives into one error.

    Raises:
        HostError: `artifact`.
    """
    try:
        yield
    except gzip.BadGzipFile as error:
        raise refused("the archive is broken: {}".format(error)) from error
    except _BROKEN as error:
        raise refused("the archive {} is broken: {}".format(os.path.basename(archive_path), error)) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # what seeking to a zip's false offset gives
            raise
        raise refused("the archive is broken: an offset is outside of it") from error


def refused(message: str) -> HostError:
    """Return the error for a broken or hostile archive."""
    return HostError("artifact", message)


def read(archive_path: str) -> Iterator[Member]:
    """Yield the files of an archive, in its order.

    Raises:
        HostError: `artifact`: broken, hostile or too large.
    """
    guard = _Guard(os.path.getsize(archive_path))
    with open(archive_path, "rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        if magic[:2] == b"PK":
            yield from _read_zip(stream, guard)
        elif magic[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield from _read_tar(unpacked, guard)
        else:
            yield from _read_tar(stream, guard)


def clean_path(name: str) -> str | None:
    """Return a member's normalised path; None for the root itself.

    Raises:
        HostError: Absolute, upwards, or not a name that is the same everywhere.
    """
    if name.startswith("/") or "\\" in name or any(not letter.isprintable() for letter in name):
        raise refused("the archive has an unsafe path: {!r}".format(name))
    parts = name[:-1].split("/") if name.endswith("/") else name.split("/")
    while parts and parts[0] == ".":
        parts = parts[1:]
    if not parts:
        return None
    if (
        any(part in ("", ".", "..") or len(part.encode()) > MAX_PART_BYTES for part in parts)
        or len(name) > MAX_PATH_CHARACTERS
    ):
        raise refused("the archive has an unsafe path: {!r}".format(name))
    return "/".join(parts)


class _Guard:
    """Counts members and bytes of one archive, and knows which paths are taken."""

    def __init__(self, archive_bytes: int) -> None:
        self.limit_bytes = min(MAX_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * archive_bytes))
        self._bytes = 0
        self._members = 0
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def count_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise refused("the archive has more than {} members".format(MAX_MEMBERS))

    def count_bytes(self, size: int) -> None:
        if size < 0:
            raise refused("the archive has a member of negative size")
        self._bytes += size
        if self._bytes > self.limit_bytes:
            raise refused("the archive unpacks to more than {} bytes".format(self.limit_bytes))

    def take(self, path: str, folder: bool) -> None:
        parents = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
        if path in self._files or (not folder and path in self._folders) or any(p in self._files for p in parents):
            raise refused("the archive has {!r} twice".format(path))
        self._folders.update(parents)
        (self._folders if folder else self._files).add(path)


class _Metered:
    """A reader that gives at most as much as it is allowed to, so that headers cannot fill the memory."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._left = 0

    def allow(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise refused("the archive's headers are too large")
        return data


class _WholeTarInfo(tarfile.TarInfo):
    """Refuses a header that is broken; the standard library takes one behind the first for the archive's end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> _WholeTarInfo:
        """Return the next member."""
        try:
            return super().fromtarfile(tarfile)
        except _ENDS:
            raise
        except _HEADER_ERRORS as error:
            raise refused("the archive is broken: {}".format(error)) from error


def _read_tar(stream: IO[bytes] | gzip.GzipFile, guard: _Guard) -> Iterator[Member]:
    metered = _Metered(stream)
    metered.allow(MAX_HEADER_BYTES)
    with tarfile.open(fileobj=metered, mode="r|", errors="strict", tarinfo=_WholeTarInfo) as archive:  # type: ignore[call-overload]
        for info in archive:
            guard.count_member()
            path = clean_path(info.name + "/" if info.isdir() and not info.name.endswith("/") else info.name)
            if info.isdir():
                guard.take(path, folder=True) if path else None
            else:
                yield _tar_file(archive, info, path, guard, metered)
            metered.allow(MAX_HEADER_BYTES)


def _tar_file(
    archive: tarfile.TarFile, info: tarfile.TarInfo, path: str | None, guard: _Guard, metered: _Metered
) -> Member:
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.issparse() or path is None:
        raise refused("the archive has something else than files and folders: {!r}".format(info.name))
    guard.take(path, folder=False)
    guard.count_bytes(info.size)
    metered.allow(info.size + MAX_HEADER_BYTES)
    content = archive.extractfile(info)
    if content is None:
        raise refused("the archive's member {!r} has no content".format(path))
    return Member(path, "0755" if info.mode & 0o111 else "0644", content)


def _read_zip(stream: IO[bytes], guard: _Guard) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            guard.count_member()
            path = clean_path(info.filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir() and kind in (0, stat.S_IFDIR):
                guard.take(path, folder=True) if path else None
                continue
            if kind not in (0, stat.S_IFREG) or info.flag_bits & 1 or path is None or info.is_dir():
                raise refused("the archive has something else than plain files: {!r}".format(info.filename))
            guard.take(path, folder=False)
            guard.count_bytes(info.file_size)
            with archive.open(info) as content:
                yield Member(path, "0755" if (info.external_attr >> 16) & 0o111 else "0644", content)
