"""Folders among a host's temporary files that Ansible unpacks our modules to, and that a killed module leaves.

```
 /tmp/ansible_mgmt_<module>_payload_<8 letters>/ansible_mgmt_<module>_payload.zip
```
A run holds its own for its life, so that a later one knows which are nobody's any more.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import Iterator

_NAME = re.compile(r"ansible_mgmt_(?:deployment|package)_payload_\w{8}")
_OLD_SECONDS = 3600.0
_MOST_NAMES = 10_000
_HERE: str = globals().get("__file__", "")
"""Empty in the one file that `scripts/join-host-package` makes."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def held(*, sweeping: bool, origin: str = _HERE) -> Iterator[None]:
    """Hold the folder that this very code was unpacked to; nothing where Ansible did not unpack it.

    Args:
        sweeping: Remove what killed runs of this account left beside it more than an hour ago.
        origin: Path of the code.
    """
    folder = _folder_of(origin)
    with ExitStack() as stack:
        if folder is not None:
            with suppress(OSError):  # somebody else has tidied up already; no run fails for that
                own = os.open(folder, _FOLDER)
                stack.callback(os.close, own)
                _hold(own)
                if sweeping:
                    _sweep(os.path.dirname(folder))
        yield


def _folder_of(path: str) -> str | None:
    parts = path.split(os.sep)
    depths = (depth for depth, part in enumerate(parts, 1) if _NAME.fullmatch(part))
    depth = next(depths, None)
    return os.sep.join(parts[:depth]) if depth is not None else None


def _sweep(parent: str) -> None:
    place = os.open(parent, _FOLDER)
    try:
        with os.scandir(place) as entries:
            found = [one.name for one in itertools.islice(entries, _MOST_NAMES) if _NAME.fullmatch(one.name)]
        for name in found:
            _remove_if_left(place, name)
    finally:
        os.close(place)


def _remove_if_left(place: int, name: str) -> None:
    """Remove a folder with the files in it; one that holds a folder stays."""
    with suppress(OSError):
        folder = os.open(name, _FOLDER, dir_fd=place)
        try:
            told = os.fstat(folder)
            if told.st_uid != os.geteuid() or time.time() - told.st_mtime < _OLD_SECONDS or not _hold(folder):
                return
            for inner in os.listdir(folder):
                os.unlink(inner, dir_fd=folder)
            os.rmdir(name, dir_fd=place)
        finally:
            os.close(folder)


def _hold(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody else has it, or this file system knows no locks
        return False
    return True
