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
from mgmt_ansible.adapters.spool_rescues import Identity, clear, copy_aside, identify, move_aside, rescue
from mgmt_ansible.domain.reports import Report
from mgmt_ansible.wire import agent_v1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
)
"""
_SURPLUS = "SELECT position, length(body) FROM reports ORDER BY kind = 'progress' DESC, kind = 'hosts' DESC, position"
_OLDEST = (
    "SELECT position, CAST(kind AS TEXT), coalesce(CAST(body AS BLOB), x'') FROM reports ORDER BY position LIMIT ?"
)
_INSERT = "INSERT OR IGNORE INTO reports (id, kind, body) VALUES (?, ?, ?)"
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OTHER_SCHEMA = ("no such table", "no such column", "has no column")

_T = TypeVar("_T")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a spool holds.

    Attributes:
        reports: Beyond it the oldest progress goes first, then the oldest of the rest.
        size_bytes: Of all reports together; the same.
        least_free_bytes: Of the disk; with less there is no room for new work's results.
    """

    reports: int = 100_000
    size_bytes: int = 256 * 1024 * 1024
    least_free_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A report in the file; `kind` is the report's own, or one of the spool's."""

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
        self._count = self._size = 0
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
        """Tell whether the disk would take more; after a refusal, or when the file is gone, a small write is tried."""
        try:
            if identify(self._path) != self._identity:
                self._do(_touch)
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < self._limits.least_free_bytes:
                return False
            if self._refusing:
                self._do(_touch)
        except (OSError, errors.StoreError):
            return False
        return True

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
        rows = self._do(lambda db: _fetch(db, limit, size_bytes))
        return tuple(stored for row in rows if (stored := self._read(*row)) is not None)

    def replace(self, position: int, report: Report, *, kind: str) -> Stored:
        """Put another report at the place of one."""
        body = agent_v1.to_json(agent_v1.REPORT, report)
        row = (report.id, kind, body, position)
        self._do(lambda db: db.execute("UPDATE reports SET id = ?, kind = ?, body = ? WHERE position = ?", row))
        return Stored(position=position, kind=kind, report=report, size_bytes=len(body))

    def forget(self, stored: Sequence[Stored]) -> None:
        """Remove reports.

        Raises:
            StoreError: The disk refused; they will be read again.
        """
        self._do(lambda db: self._remove(db, [(one.position, one.size_bytes) for one in stored]))

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
        db.executemany("DELETE FROM reports WHERE position = ?", [(position,) for position, _ in rows])
        self._count -= len(rows)
        self._size -= sum(size for _, size in rows)

    def _read(self, position: int, kind: str, body: bytes) -> Stored | None:
        """Return a stored report; one that cannot be read is dropped, as it would stop all others."""
        try:
            report = agent_v1.parse_json(agent_v1.REPORT, body)
        except errors.InvalidRequestError as exc:
            _log.error("report_unreadable", position=position, kind=kind, error=str(exc))
            self._do(lambda db: self._remove(db, [(position, len(body))]))
            return None
        return Stored(position=position, kind=kind, report=report, size_bytes=len(body))

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
            if not _is_damage(exc):
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
        self._connection = _open(self._path)
        self._identity = identify(self._path)
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


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        connection = _connect(path)
    except sqlite3.DatabaseError as exc:
        if not _is_damage(exc):
            raise
        move_aside(path, exc)
        connection = _connect(path)
    try:
        rescue(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
    connection.text_factory = _text
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_SCHEMA)
        connection.commit()
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except BaseException:
        connection.close()
        raise
    if found != "ok":
        connection.close()
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    return connection


def _text(octets: bytes) -> str:
    return octets.decode(errors="replace")


def _is_damage(exc: sqlite3.Error) -> bool:
    damaged = (getattr(exc, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
    return damaged or any(words in str(exc) for words in _OTHER_SCHEMA)
