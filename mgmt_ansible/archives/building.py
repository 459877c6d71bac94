"""Make a model package's archive from a folder: the same folder gives the same bytes."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import IO, cast

from mgmt_ansible import errors
from mgmt_ansible.archives.reading import PackageContents, read_package


def build_package(folder: Path, archive_path: Path) -> PackageContents:
    """Write `folder` as a tar.gz and return what it holds.

    Names are sorted; times, owners and all modes but the execute bit are dropped, so the archive is deterministic.

    Raises:
        ArchiveError: The folder is not a model package, or holds links or other special files.
    """
    with (
        archive_path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=cast("IO[bytes]", packed), mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix().encode()):
            _add(archive, path, path.relative_to(folder).as_posix())
    return read_package(archive_path)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_dir() and not path.is_symlink():
        return
    if path.is_symlink() or not path.is_file():
        raise errors.ArchiveError(f"{path} is neither a file nor a folder: a package holds nothing else")
    info = tarfile.TarInfo(name)
    info.size = path.stat().st_size
    info.mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
    with path.open("rb") as stream:
        archive.addfile(info, stream)
