"""What the kernel says about a port and a process, for proofs that do not rest on our own records."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.model_packages import MANIFEST_NAME, PackageFile, manifest_digest

_LISTEN = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def list_listeners(port: int) -> frozenset[int]:
    """Return the pids of this user's processes that listen on a TCP port; empty when nobody does.

    Raises:
        QuickstartError: Somebody listens whose process cannot be seen.

    Source: proc(5), `/proc/net/tcp` (state 0A is LISTEN) and `/proc/<pid>/fd`.
    """
    inodes = _listening_inodes(port)
    owners = frozenset(_owners(inodes)) if inodes else frozenset()
    if inodes and not owners:
        raise errors.QuickstartError(f"a process of somebody else listens on port {port}")
    return owners


def is_listening(port: int) -> bool:
    """Return whether anybody listens on a TCP port."""
    return bool(_listening_inodes(port))


def digest_of_open_files(pid: int) -> str:
    """Return the digest of the model package whose files a process holds open, computed from their content.

    The package's folder is where its open manifest lies; every open regular file below it counts.

    Raises:
        QuickstartError: The process holds no package open.
    """
    opened = {target: link for link, target in _open_files(pid)}
    roots = {target.parent for target in opened if target.name == MANIFEST_NAME}
    if len(roots) != 1:
        raise errors.QuickstartError(f"process {pid} holds {len(roots)} model packages open, not one")
    root = roots.pop()
    files = (_package_file(link, target, root) for target, link in opened.items() if root in target.parents)
    return manifest_digest(files)


def _listening_inodes(port: int) -> frozenset[str]:
    rows = [line.split() for table in _TABLES if table.exists() for line in table.read_text().splitlines()[1:]]
    return frozenset(row[9] for row in rows if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port)


def _owners(inodes: frozenset[str]) -> Iterator[int]:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and any(target in wanted for _, target in _links(int(process.name))):
            yield int(process.name)


def _open_files(pid: int) -> Iterator[tuple[Path, Path]]:
    for link, target in _links(pid):
        if target.startswith("/") and stat.S_ISREG(link.stat().st_mode):
            yield link, Path(target)


def _links(pid: int) -> Iterator[tuple[Path, str]]:
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return
    for link in links:
        try:
            yield link, str(link.readlink())
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


def _package_file(link: Path, target: Path, root: Path) -> PackageFile:
    with link.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    executable = mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return PackageFile(
        path=target.relative_to(root).as_posix(), mode="0755" if executable else "0644", size_bytes=size, sha256=digest
    )
