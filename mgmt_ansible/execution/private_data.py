"""The private data directory of a run: fresh, 0700, in memory where possible, gone afterwards."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mgmt_ansible import errors

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only a fresh directory of mode 0700 in it is used
_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\[?(?=[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]{2,45}\]?")
"""A name or an IPv6 address: nothing that a limit would read as a pattern, a range or a file, or ssh as an option."""

_NAMES_OF_GROUPS = frozenset({"all", "ungrouped"})
_POLL_SECONDS = 0.5
_PREFIX = "mgmt-ansible-run-"
_LOCK = "lock"


@contextmanager
def private_data(run_id: str) -> Iterator[Path]:
    """Make a private data directory and remove it, whatever happens.

    Its lock is held as long as this process lives and uses it, so that `unused_directories` leaves it alone.

    Raises:
        RunnerUnavailableError: No directory can be made.
    """
    try:
        directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{run_id}-", dir=_parent()))
    except OSError as exc:
        raise errors.RunnerUnavailableError(f"no private data directory can be made: {exc}") from exc
    try:
        with _locked(directory):
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _locked(directory: Path) -> BinaryIO:
    try:
        write_private(directory / _LOCK, "")
        lock = (directory / _LOCK).open("rb")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as exc:
        raise errors.RunnerUnavailableError(f"{directory} cannot be locked: {exc}") from exc
    return lock


def unused_directories() -> Iterator[Path]:
    """Give the directories of agents that were killed, one by one, and remove each afterwards; those in use stay."""
    for directory in [path for path in _parent().glob(f"{_PREFIX}*") if _is_ours(path)]:
        try:
            lock = (directory / _LOCK).open("rb")
        except OSError:  # just being made or removed
            continue
        with lock:
            if _is_free(lock):
                yield directory
                shutil.rmtree(directory, ignore_errors=True)


def _is_ours(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:  # another agent's run has just ended
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _is_free(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _parent() -> Path:
    return _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def write_run_files(directory: Path, *, hosts: Iterable[str], variables: Mapping[str, object]) -> Path:
    """Write limit, extra vars and ansible-runner's settings, each 0600; return the path of the limit.

    Raises:
        InventoryError: A host's name cannot stand in a limit.
    """
    (directory / "env").mkdir(mode=0o700)
    write_private(directory / "env" / "extravars", json.dumps(variables))
    settings = {"pexpect_timeout": _POLL_SECONDS, "suppress_output_file": True, "suppress_ansible_output": True}
    write_private(directory / "env" / "settings", json.dumps(settings))
    limit = directory / "limit"
    write_private(limit, limit_text(hosts))
    return limit


def limit_text(hosts: Iterable[str]) -> str:
    """Return the content of a limit file: one host a line.

    Raises:
        InventoryError: A host's name cannot stand in a limit.
    """
    names = tuple(hosts)
    for name in names:
        if not _HOST_NAME.fullmatch(name) or name in _NAMES_OF_GROUPS:
            raise errors.InventoryError(
                f"the host name {name!r} cannot be used: letters, digits and . _ - only (not - first), or an IPv6 address"
            )
    return "".join(f"{name}\n" for name in names)


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
