"""Backups: one file that holds the database as it was at one moment, and every package archive that it speaks of.

A tar archive: `manifest.json` first, then `database` (SQLite's file, or PostgreSQL's dump), then `packages/<sha256>`. The manifest
has the size and the sha256 of all that follows. Tokens are in it as hashes only; files of the data folder such as
`admin.token` are not.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from mgmt_ansible import __version__, errors
from mgmt_ansible.control_plane import work_folders
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.copies import DatabaseCopy, Progress

FORMAT = 1
_MANIFEST = "manifest.json"
_DATABASE = "database"
_PACKAGES = "packages"
_MOST_MANIFEST_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds.

    Attributes:
        format: Of the file.
        version: Of the program that made it.
        created_at: ISO 8601, UTC.
        kind: Of the database: `sqlite` or `postgresql`.
        revision: Of its schema.
        files: Name in the archive -> [bytes, sha256], in their order.
    """

    format: int
    version: str
    created_at: str
    kind: str
    revision: str
    files: Mapping[str, tuple[int, str]]


def back_up(store: Store, packages: Path, target: Path, progress: Progress) -> Manifest:
    """Write a backup to a new file (0600) while others write; it appears whole or not at all.

    Args:
        store: The database, prepared or not.
        packages: Folder of archives.
        target: Must not exist.
        progress: Told of the database's copy.

    Raises:
        ConflictError: The file is there already.
        StoreError: The database or an archive is damaged or missing.
        StoreUnavailableError: The disk is full, or refuses.
    """
    if target.exists():
        raise errors.ConflictError(f"{target} is there already. Next: name a new file, or remove it")
    for folder in (target.parent, packages):
        work_folders.sweep(folder)
    with (
        _disk_faults(target.parent),
        work_folders.lent(target.parent, work_folders.BACKUP) as work,
        work_folders.lent(packages, work_folders.BACKUP) as held,
    ):
        copy = _consistent_copy(store, packages, held, work / _DATABASE, progress)
        sources = {
            _DATABASE: work / _DATABASE,
            **{f"{_PACKAGES}/{name}": held / name for name in sorted(copy.archives)},
        }
        manifest = _manifest_of(copy, sources)
        draft = work / "backup.tar"
        _write_archive(draft, manifest, sources)
        draft.replace(target)
        _sync(target.parent)
    return manifest


def restore(store: Store, packages: Path, source: Path, *, force: bool) -> Manifest:
    """Replace a database and its archives by a backup's; all of it is checked before anything is touched.

    Of SQLite the file that was there is kept beside, ending in `.before-restore`.

    Args:
        store: The database; nobody else may use it.
        packages: Folder of archives.
        source: A backup.
        force: Also when something is there.

    Raises:
        ArchiveError: It is no backup, or damaged.
        ConfigError: It is of the other kind of database.
        ConflictError: Something is there, or somebody uses it.
        StoreError: It is of a version that this one does not know, or the database refused.
    """
    if not force and not store.is_empty():
        raise errors.ConflictError("there is a database already. Next: restore elsewhere, or replace it with --force")
    packages.mkdir(mode=0o700, parents=True, exist_ok=True)
    work_folders.sweep(packages)
    with _disk_faults(packages), work_folders.lent(packages, work_folders.RESTORE) as work:
        manifest = _read_archive(source, work)
        store.check_copy(work / _DATABASE, manifest.kind, manifest.revision)
        for name in manifest.files:
            if name != _DATABASE:
                (work / name).replace(packages / Path(name).name)
        _sync(packages)
        store.copy_in(work / _DATABASE)
    return manifest


def _consistent_copy(store: Store, packages: Path, held: Path, target: Path, progress: Progress) -> DatabaseCopy:
    """Copy the database, and hold every archive that it names: also one that is added or removed meanwhile."""
    missing: list[str] = []
    for _ in range(_TRIES):
        _hold(packages, held)
        copy = store.copy_out(target, progress)
        _hold(packages, held)
        missing = sorted(name for name in copy.archives if not (held / name).exists())
        if not missing:
            return copy
        target.unlink()
    raise errors.StoreError(
        f"{packages}: the archive {missing[0]} is missing: `mgmt-ansible store check` names them all"
    )


def _hold(packages: Path, held: Path) -> None:
    for path in packages.iterdir():
        if path.is_file() and not path.name.startswith(".") and not (held / path.name).exists():
            try:
                os.link(path, held / path.name)
            except FileNotFoundError:  # removed just now: nobody needs it, or the copy shows that somebody does
                continue


def _manifest_of(copy: DatabaseCopy, sources: Mapping[str, Path]) -> Manifest:
    files = {name: _measured(path) for name, path in sources.items()}
    for name, (_, sha256) in files.items():
        if name != _DATABASE and sha256 != Path(name).name:
            raise errors.StoreError(f"{name}: the archive is damaged: upload the package again before a backup")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(
        format=FORMAT, version=__version__, created_at=now, kind=copy.kind, revision=copy.revision, files=files
    )


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _write_archive(target: Path, manifest: Manifest, sources: Mapping[str, Path]) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            text = json.dumps(asdict(manifest)).encode()
            archive.addfile(_member(_MANIFEST, len(text)), io.BytesIO(text))
            for name, path in sources.items():
                with path.open("rb") as content:
                    archive.addfile(_member(name, manifest.files[name][0]), content)
        file.flush()
        os.fsync(file.fileno())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _read_archive(source: Path, work: Path) -> Manifest:
    (work / _PACKAGES).mkdir()
    try:
        with tarfile.open(source, mode="r|") as archive:
            members = iter(archive)
            manifest = _read_manifest(archive, next(members, None))
            for name, (size, sha256) in manifest.files.items():
                member = next(members, None)
                if member is None or (member.name, member.size, member.isreg()) != (name, size, True):
                    raise errors.ArchiveError(
                        f"{source}: {name} is missing or has another size: the backup is not whole"
                    )
                _extract(archive.extractfile(member), work / name, sha256, name)
    except (tarfile.TarError, EOFError) as exc:
        raise errors.ArchiveError(f"{source} is no backup, or not whole: {exc}") from exc
    except FileNotFoundError as exc:
        raise errors.NotFoundError(f"{source} does not exist") from exc
    return manifest


def _extract(content: IO[bytes] | None, target: Path, sha256: str, name: str) -> None:
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while content is not None and (piece := content.read(_PIECE_BYTES)):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        raise errors.ArchiveError(f"{name}: the digest is another than the backup's manifest says: it is damaged")


def _read_manifest(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    content = archive.extractfile(member) if member is not None and member.name == _MANIFEST else None
    if member is None or content is None or member.size > _MOST_MANIFEST_BYTES:
        raise errors.ArchiveError("this is no backup: it does not begin with a manifest")
    try:
        told = json.loads(content.read())
        manifest = Manifest(**{**told, "files": {name: _file(name, *one) for name, one in told["files"].items()}})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise errors.ArchiveError(f"this is no backup: its manifest cannot be read ({exc})") from exc
    if manifest.format != FORMAT or next(iter(manifest.files), None) != _DATABASE:
        raise errors.ArchiveError(f"the backup has format {manifest.format}, this version reads {FORMAT}")
    return manifest


def _file(name: str, size: int, sha256: str) -> tuple[int, str]:
    """Return what a manifest says of a file; ValueError for a name that no backup of ours has."""
    if name not in (_DATABASE, f"{_PACKAGES}/{sha256}"):
        raise ValueError(f"{name!r} is not a name of ours")
    if len(sha256) != hashlib.sha256().digest_size * 2 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"{sha256!r} is no sha256")
    return int(size), sha256


@contextmanager
def _disk_faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise errors.StoreUnavailableError(f"{exc.filename or folder}: {exc.strerror or exc}") from exc


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
