"""Opening the spool's SQLite file: checked, in a schema of ours, with what an earlier damage left to be rescued."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mgmt_ansible.adapters.spool_rescues import move_aside, rescue

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
)
"""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OTHER_SCHEMA = ("no such table", "no such column", "has no column")


def open_spool(path: Path) -> sqlite3.Connection:
    """Open the file, made when missing; one that is damaged is moved aside, and what it held is taken over.

    Raises:
        OSError: The folder cannot be made.
        sqlite3.Error: It cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        connection = _connect(path)
    except sqlite3.DatabaseError as exc:
        if not is_damage(exc):
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


def is_damage(exc: sqlite3.Error) -> bool:
    """Tell whether an error means that the file is not, or not wholly, what we wrote."""
    damaged = (getattr(exc, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
    return damaged or any(words in str(exc) for words in _OTHER_SCHEMA)
