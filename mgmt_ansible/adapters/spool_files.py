"""The file of the report spool: SQLite, fsynced, capped; one that is damaged or gone gives way to a new one.

Every write is one transaction with `synchronous = FULL`: once it returned, the report survives the process and the power.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from mgmt_ansible import errors
from mgmt_ansible.adapters.spool_connections import is_damage, open_spool
from mgmt_ansible.adapters.spool_rescues import Identity, clear, copy_aside, identify, move_aside
from mgmt_ansible.domain.reports import Report
from mgmt_ansible.wire import agent_v1

_SURPLUS = (
    "SELECT position, length(body) FROM reports"
    " ORDER BY kind = 'log' DESC, kind = 'progress' DESC, kind = 'hosts' DESC, kind = 'preflight' DESC, kind = 'run' DESC, position"
)
_CHEAPER = "SELECT 1 FROM reports WHERE kind IN ('log', 'progress', 'hosts', 'preflight', 'run') LIMIT 1"
_OLDEST = (
    "SELECT position, CAST(kind AS TEXT), coalesce(CAST(body AS BLOB), x'') FROM reports ORDER BY position LIMIT ?"
)
_INSERT = "INSERT OR IGNORE INTO reports (id, kind, body) VALUES (?, ?, ?)"
_NEARLY = 0.9
"""Of a limit: the rest is for the results of what is under way."""

_T = TypeVar("_T")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a spool holds.

    Attributes:
        reports: Beyond it lines of logs go first, then progress, then lists of hosts, then runs, then results; of each the oldest.
        size_bytes: Of all reports together; the same.
        least_free_bytes: Of the disk; with less there is no room for new work's results.
    """

    reports: int = 100_000
    size_bytes: int = 256 * 1024 * 1024
    least_free_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A report in the file; `kind` is the report's own, or one of the spool's.

    Attributes:
        opening: Which of the files that lay at the path one after the other; positions mean nothing in another one.
    """

    opening: int
    position: int
    kind: str
    report: Report
    size_bytes: int


class SpoolFile:
    """One file, owned by one process, used by all of its threads."""

    def __init__(self, path: Path, limits: Limits) -> None:
        """Open the file; made when missing, moved aside when it is damaged.

        Raises:
            StoreError: It cannot be opened.
        """
        self._path = path
        self._limits = limits
        self._lock = threading.Lock()
        self._refusing = False
        self._connection: sqlite3.Connection | None = None
        self._identity: Identity = ()
        self._count = self._size = self._opening = 0
        try:
            self._reopen()
        except (OSError, sqlite3.Error) as exc:
            raise errors.StoreError(f"{path}: the report spool cannot be opened: {exc}") from exc

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._shut()

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._do(lambda db: db.execute("SELECT 1 FROM reports LIMIT 1").fetchone()) is None

    def has_room(self) -> bool:
        """Tell whether the disk, and the limits without dropping a result, would take more.

        After a refusal, or when the file is gone, a small write is tried.
        """
        try:
            if identify(self._path) != self._identity:
                self._do(_touch)
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < self._limits.least_free_bytes:
                return False
            if self._refusing:
                self._do(_touch)
            return not self._nearly_full or self._do(lambda db: db.execute(_CHEAPER).fetchone()) is not None
        except (OSError, errors.StoreError):
            return False

    @property
    def _nearly_full(self) -> bool:
        return self._count >= _NEARLY * self._limits.reports or self._size >= _NEARLY * self._limits.size_bytes

    def add(self, report: Report) -> None:
        """Store a report durably; one that is there already is ignored.

        Raises:
            StoreError: The disk refused.
        """
        row = (report.id, report.kind, agent_v1.to_json(agent_v1.REPORT, report))
        self._do(lambda db: self._add(db, row))

    def read_oldest(self, *, limit: int, size_bytes: int) -> tuple[Stored, ...]:
        """Return the oldest reports: at most so many, together at most that large, but for a single one.

        Raises:
            StoreError: The file cannot be read.
        """
        opening, rows = self._do(lambda db: (self._opening, _fetch(db, limit, size_bytes)))
        return tuple(stored for row in rows if (stored := self._read(opening, *row)) is not None)

    def replace(self, old: Stored, report: Report, *, kind: str) -> Stored:
        """Put another report at the place of one.

        Raises:
            StoreError: The disk refused, or the file has changed: it is to be read again.
        """
        body = agent_v1.to_json(agent_v1.REPORT, report)
        self._do(lambda db: self._replace(db, old, (report.id, kind, body, old.position)))
        return Stored(opening=old.opening, position=old.position, kind=kind, report=report, size_bytes=len(body))

    def forget(self, stored: Sequence[Stored]) -> None:
        """Remove reports; those of a file that has changed since are read, and sent, once more.

        Raises:
            StoreError: The disk refused; they will be read again.
        """
        self._do(lambda db: self._forget(db, stored))

    def _replace(self, db: sqlite3.Connection, old: Stored, row: tuple[str, str, bytes, int]) -> None:
        if old.opening != self._opening:
            raise errors.StoreError(f"the report spool {self._path} is not the file that it was")
        if db.execute("UPDATE reports SET id = ?, kind = ?, body = ? WHERE position = ?", row).rowcount:
            self._size += len(row[2]) - old.size_bytes

    def _forget(self, db: sqlite3.Connection, stored: Sequence[Stored]) -> None:
        self._remove(db, [(one.position, one.size_bytes) for one in stored if one.opening == self._opening])

    def _add(self, db: sqlite3.Connection, row: tuple[str, str, bytes]) -> None:
        if db.execute(_INSERT, row).rowcount:
            self._count += 1
            self._size += len(row[2])
            self._drop_surplus(db)

    def _drop_surplus(self, db: sqlite3.Connection) -> None:
        surplus: list[tuple[int, int]] = []
        count, size = self._count, self._size
        if count <= self._limits.reports and size <= self._limits.size_bytes:
            return
        with closing(db.execute(_SURPLUS)) as oldest:
            while count > 1 and (count > self._limits.reports or size > self._limits.size_bytes):
                surplus.append(oldest.fetchone())
                count, size = count - 1, size - surplus[-1][1]
        self._remove(db, surplus)
        _log.error("reports_dropped", count=len(surplus), limit=self._limits.reports)

    def _remove(self, db: sqlite3.Connection, rows: Sequence[tuple[int, int]]) -> None:
        """Remove rows and count those that were there: what is being sent may have been dropped meanwhile."""
        for position, size in rows:
            if db.execute("DELETE FROM reports WHERE position = ?", (position,)).rowcount:
                self._count -= 1
                self._size -= size

    def _read(self, opening: int, position: int, kind: str, body: bytes) -> Stored | None:
        """Return a stored report; one that cannot be read is dropped, as it would stop all others."""
        try:
            report = agent_v1.parse_json(agent_v1.REPORT, body)
        except errors.InvalidRequestError as exc:
            _log.error("report_unreadable", position=position, kind=kind, error=str(exc))
            self._do(lambda db: self._drop(db, opening, position, len(body)))
            return None
        return Stored(opening=opening, position=position, kind=kind, report=report, size_bytes=len(body))

    def _drop(self, db: sqlite3.Connection, opening: int, position: int, size: int) -> None:
        if opening == self._opening:
            self._remove(db, [(position, size)])

    def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            before = self._connection, self._count, self._size
            try:
                result = self._on_sound_file(work)
            except (sqlite3.Error, OSError) as exc:
                if self._connection is before[0]:
                    _, self._count, self._size = before
                self._refusing = True
                text = f"the report spool {self._path} failed: {exc}; check the disk of data_dir"
                raise errors.StoreError(text) from exc
            self._refusing = False
            return result

    def _on_sound_file(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._opened()
        try:
            with connection:
                return work(connection)
        except sqlite3.DatabaseError as exc:
            if not is_damage(exc):
                raise
            move_aside(self._path, exc)
        connection = self._reopen()
        with connection:
            return work(connection)

    def _opened(self) -> sqlite3.Connection:
        """Return the connection; when the file at the path is not the open one any more, that of a new file."""
        if self._connection is None:
            return self._reopen()
        if identify(self._path) == self._identity:
            return self._connection
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_aside(self._connection, self._path)
        return self._reopen()

    def _reopen(self) -> sqlite3.Connection:
        self._shut()
        ours, self._identity = self._identity, ()
        if ours:
            clear(self._path, ours)
        self._connection = open_spool(self._path)
        self._identity = identify(self._path)
        self._opening += 1
        self._count, self._size = self._measure(self._connection)
        return self._connection

    def _shut(self) -> None:
        """Close before a new file is opened: SQLite may remove the `-wal` at the path, whosever it is."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    @staticmethod
    def _measure(connection: sqlite3.Connection) -> tuple[int, int]:
        count, size = connection.execute("SELECT count(*), coalesce(sum(length(body)), 0) FROM reports").fetchone()
        return int(count), int(size)


def _fetch(db: sqlite3.Connection, limit: int, size_bytes: int) -> list[tuple[int, str, bytes]]:
    kept: list[tuple[int, str, bytes]] = []
    with closing(db.execute(_OLDEST, (limit,))) as rows:
        for row in rows:
            size_bytes -= len(row[2])
            if kept and size_bytes < 0:
                break
            kept.append(row)
    return kept


def _touch(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute(f"PRAGMA user_version = {(int(version) + 1) % 2**30}")
