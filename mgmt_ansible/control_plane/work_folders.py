"""Work folders: lent to nobody else for a while, and gone afterwards; what a killed process left goes when the next one begins.

Whoever works in one holds a lock on it, which the kernel lets go of however the process ends. Where a file system knows no
such locks, what is left stays until somebody removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BACKUP, EXPORT, RESTORE = ".backup-", ".export-", ".restore-"
"""What the names of such folders begin with."""


@contextmanager
def lent(parent: Path, prefix: str) -> Iterator[Path]:
    """Lend a new folder (0700) in another until the end of the block; OSError when it cannot be made."""
    folder, descriptor = _locked(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def sweep(parent: Path) -> None:
    """Remove the folders in another whose process is no more."""
    for prefix in (BACKUP, EXPORT, RESTORE):
        for folder in parent.glob(f"{prefix}*"):
            _remove_left(folder)


def _locked(parent: Path, prefix: str) -> tuple[Path, int]:
    """Make a folder and lock it; again when somebody swept it away between the two."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _remove_left(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # its process is at work
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
