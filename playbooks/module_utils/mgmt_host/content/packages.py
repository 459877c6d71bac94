"""Model packages on the host: unpacked once, read-only, shared, known by the digest of their files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import contextmanager
from typing import IO, Any, Iterator

from ..failures import HostError, evidence
from ..layout import Layout
from ..machine import durable_files
from . import archive_members

MANIFEST_NAME = "model-package.json"
_CHUNK_BYTES = 1 << 20
SPARE = 1.1


def manifest_digest(rows: list[list[Any]]) -> str:
    r"""Return a package's digest.

    The sha256 of one JSON line `[path, mode, size, sha256]` a file, sorted by the bytes of the path, `\n` after each.
    The control plane computes the same; a contract test feeds both. Source: design, "On a host".
    """
    total = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row[0].encode()):
        total.update(json.dumps(row, separators=(",", ":"), ensure_ascii=True).encode() + b"\n")
    return total.hexdigest()


def is_present(layout: Layout, digest: str) -> bool:
    """Tell whether the package lies unpacked on the host."""
    return os.path.isdir(layout.package(digest))


def require(layout: Layout, digest: str) -> None:
    """Check that the package is there.

    Raises:
        HostError: It is not.
    """
    if not is_present(layout, digest):
        raise HostError("artifact", "package {} is not on the host; run role package".format(digest))


def refuse_damaged(layout: Layout, digest: str) -> None:
    """Hash a package's files anew, and put it away when they are not what the digest says; who needs it sends it again.

    Raises:
        HostError: `artifact`: they were changed on this host.
    """
    folder = layout.package(digest)
    rows, opened = measure(folder)
    for stream in opened:
        stream.close()
    found = manifest_digest(rows)
    if found == digest:
        return
    with durable_files.draft(layout.path("packages")) as draft:
        os.chmod(folder, 0o700)  # who moves a folder writes its `..`
        os.rename(folder, os.path.join(draft, digest))
    message = "the package's files were changed on this host and are put away: do it again, and they are sent anew"
    raise HostError("artifact", message, [evidence("digest", "{} instead of {}".format(found, digest))])


@contextmanager
def damage_explains(layout: Layout, digest: str) -> Iterator[None]:
    """Put a package away that turns out to be wrong because its files were changed on this host.

    Raises:
        HostError: As it was, or `artifact` when they were.
    """
    try:
        yield
    except HostError as error:
        if error.cause == "artifact" and is_present(layout, digest):
            refuse_damaged(layout, digest)
        raise


def require_room(layout: Layout, archive_bytes: int) -> None:
    """Check for twice the archive and a tenth more, before anything is sent.

    Raises:
        HostError: `disk`, with what is left as evidence.
    """
    free = os.statvfs(layout.base_dir)
    wanted = int(2 * archive_bytes * SPARE)
    if free.f_bavail * free.f_frsize < wanted:
        raise HostError(
            "disk", "no room for the package: {} bytes are wanted".format(wanted), [disk_evidence(layout.base_dir)]
        )


def disk_evidence(path: str) -> dict[str, str]:
    """Return how full the file system of a path is, in the manner of `df`."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    room = os.statvfs(path)
    sizes = [blocks * room.f_frsize // 1024 for blocks in (room.f_blocks, room.f_blocks - room.f_bfree, room.f_bavail)]
    return evidence("df", "1K-blocks Used Available Mounted\n{} {} {} {}".format(*sizes, path))


def install(layout: Layout, archive_path: str, archive_sha256: str, digest: str) -> None:
    """Unpack an archive as `packages/<digest>`, whole or not at all.

    Raises:
        HostError: `artifact`: the bytes, the content or the digest are not what was promised.
        OSError: The disk is full or refuses.
    """
    _check_bytes(archive_path, archive_sha256)
    target = layout.package(digest)
    with durable_files.draft(layout.path("packages")) as draft:
        rows = _extract_all(archive_path, draft)
        found = manifest_digest(rows)
        if found != digest:
            raise _differs("the package's files", "digest", found, digest)
        if not any(row[0] == MANIFEST_NAME for row in rows):
            proof = evidence("files", "\n".join(row[0] for row in rows))
            raise HostError("artifact", "the package has no {}".format(MANIFEST_NAME), [proof])
        _make_read_only(draft)
        if not os.path.isdir(target):
            os.rename(draft, target)
            durable_files.sync_folder(os.path.dirname(target))


def extract(archive_path: str, target: str) -> list[list[Any]]:
    """Unpack an archive into a folder that is new, or empty.

    Returns:
        A row `[path, mode, size, sha256]` a file, in the archive's order.

    Raises:
        HostError: `artifact`: broken, hostile or too large.
    """
    os.makedirs(target, mode=0o700, exist_ok=True)
    rows = []
    with archive_members.refusing_broken(archive_path):
        for member in archive_members.read(archive_path):
            path = os.path.join(target, member.path)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                size, sha256 = _copy(member.stream, stream)
                os.fchmod(stream.fileno(), 0o555 if member.mode == "0755" else 0o444)
            rows.append([member.path, member.mode, size, sha256])
    return rows


def measure(folder: str) -> tuple[list[list[Any]], list[IO[bytes]]]:
    """Open and hash all files of an unpacked package.

    Returns:
        Rows as `manifest_digest` takes them, and the open files; the caller closes them.
    """
    rows: list[list[Any]] = []
    opened: list[IO[bytes]] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            stream = open(os.path.join(parent, name), "rb")  # noqa: SIM115 - the caller keeps them open
            opened.append(stream)
            sha256, size = hashlib.sha256(), 0
            while chunk := stream.read(_CHUNK_BYTES):
                sha256.update(chunk)
                size += len(chunk)
            mode = "0755" if os.fstat(stream.fileno()).st_mode & 0o111 else "0644"
            rows.append([os.path.relpath(stream.name, folder), mode, size, sha256.hexdigest()])
    return rows, opened


def _check_bytes(archive_path: str, archive_sha256: str) -> None:
    total = hashlib.sha256()
    with open(archive_path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""):
            total.update(chunk)
    if total.hexdigest() != archive_sha256:
        raise _differs("the archive's bytes", "sha256", total.hexdigest(), archive_sha256)


def _extract_all(archive_path: str, draft: str) -> list[list[Any]]:
    """Unpack as `extract` does; a full disk is measured before the draft goes and makes room again."""
    try:
        return extract(archive_path, draft)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        proof = [evidence("errno", str(error)), disk_evidence(draft)]
        raise HostError("disk", "the disk is full", proof) from error


def _differs(what: str, kind: str, found: str, wanted: str) -> HostError:
    proof = evidence("digest", "{} {} instead of {}".format(kind, found, wanted))
    return HostError("artifact", "{} are not what was registered".format(what), [proof])


def _copy(source: IO[bytes], target: IO[bytes]) -> tuple[int, str]:
    total, size = hashlib.sha256(), 0
    while True:
        chunk = source.read(_CHUNK_BYTES)
        if not chunk:
            break
        target.write(chunk)
        total.update(chunk)
        size += len(chunk)
    target.flush()
    os.fsync(target.fileno())
    return size, total.hexdigest()


def _make_read_only(folder: str) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        durable_files.sync_folder(parent)
        os.chmod(parent, 0o555)  # noqa: S103 - read-only on purpose; the base directory is 0700
