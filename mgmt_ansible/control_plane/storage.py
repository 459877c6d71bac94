"""The state of what is written to: whether there is room, and whether the database is whole."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store

ROOM_BYTES = 1024 * 1024
"""Less than this on a disk whose last write failed means that it is still full."""

DAY_SECONDS = 86_400.0

_log = structlog.get_logger(__name__)


class Storage:
    """Tells people what is wrong with the control plane's disk.

    Args:
        store: The database; its writes tell when there is no room.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._damage = ""

    def trouble(self) -> str:
        """Return what keeps the control plane from writing, in a sentence; empty when nothing does."""
        return self._damage or (self._store.full if self._still_full() else "")

    def check(self) -> None:
        """Look whether the database is whole; what is wrong is logged and stays in `trouble`."""
        try:
            self._store.check()
        except errors.StoreUnavailableError as error:
            _log.warning("integrity_check_failed", message=str(error))
        except errors.StoreError as error:
            self._damage = str(error)
            _log.error("database_damaged", message=str(error))
        else:
            self._damage = ""

    @contextmanager
    def checked(self, every_seconds: float = DAY_SECONDS) -> Iterator[None]:
        """Check again and again in the background, until the end of the block."""
        ended = threading.Event()
        thread = threading.Thread(
            target=self._check_until, args=(ended, every_seconds), name="storage-check", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()

    def _check_until(self, ended: threading.Event, every_seconds: float) -> None:
        while not ended.wait(every_seconds):
            self.check()

    def _still_full(self) -> bool:
        path = self._store.path
        return bool(self._store.full) and (path is None or _free_bytes(path) < ROOM_BYTES)


def _free_bytes(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 0
