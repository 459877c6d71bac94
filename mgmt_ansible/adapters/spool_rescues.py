"""What is left of a damaged, deleted or exchanged spool file: kept for people, and read for what can still be sent.

```
 damaged -- moved aside: `<name>.damaged-<id>.unread` --> readable reports into a new file --> `.damaged-<id>` stays
 deleted -- what is open is copied: `.copied-<id>` -----> the same ------------------------> the copy is removed
```

The names say what is still to be read, so that a process that ends in between loses nothing: the next one goes on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path

import structlog

from mgmt_ansible.identifiers import make_id

_FILES = ("", "-wal", "-shm")
_UNREAD = ".unread"
_COPIED = ".copied-"
_DAMAGED = ".damaged-"
_INSERT = "INSERT OR IGNORE INTO reports (id, kind, body) VALUES (?, ?, ?)"
_ROW = "SELECT position, CAST(id AS TEXT), CAST(kind AS TEXT), CAST(body AS BLOB) FROM reports"
_NEXT = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'reports'"
_LARGEST_GAP = 100_000
"""Positions between two readable parts of a damaged file that are asked one by one."""

Identity = tuple[tuple[int, int] | None, ...]
"""Device and inode of the file and its two companions; None where there is none."""

_Row = tuple[int, str, str, bytes]

_log = structlog.get_logger()


def identify(path: Path) -> Identity:
    """Return what lies at a path now: another identity than at the opening means that writes go nowhere."""
    return tuple(_identify(path.with_name(path.name + suffix)) for suffix in _FILES)


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def move_aside(path: Path, exc: sqlite3.Error) -> None:
    """Take a damaged file out of the way; `rescue` reads it."""
    aside = path.with_name(f"{path.name}{_DAMAGED}{make_id()[-8:]}{_UNREAD}")
    _rename(path, aside)
    _log.error("report_spool_damaged", path=str(path), moved_to=_read_name(aside).name, error=str(exc))


def copy_aside(connection: sqlite3.Connection, path: Path) -> None:
    """Copy a file that is open here but not at its path any more; `rescue` reads the copy.

    Raises:
        sqlite3.Error: The disk refused.
    """
    aside = path.with_name(f"{path.name}{_COPIED}{make_id()[-8:]}")
    draft = aside.with_name(aside.name + ".new")
    with closing(sqlite3.connect(draft)) as copy:
        draft.chmod(0o600)
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    draft.rename(aside)
    _log.error("report_spool_vanished", path=str(path), copied_to=aside.name)


def clear(path: Path, ours: Identity) -> None:
    """Take away what lies at a path of a file that was copied aside: a `-wal` of ours would be read into another file."""
    now = identify(path)
    if now[0] == ours[0] and now[0] is not None:
        move_aside(path, sqlite3.DatabaseError("a file beside it was deleted"))
        return
    for suffix, is_now, was in zip(_FILES[1:], now[1:], ours[1:], strict=True):
        if is_now is not None and is_now == was:
            path.with_name(path.name + suffix).unlink()


def rescue(path: Path, connection: sqlite3.Connection) -> None:
    """Put what can still be read of files that were set aside into the new file, in their order.

    Raises:
        sqlite3.Error: The new file's disk refused; the next call tries again.
    """
    for aside in sorted(chain(path.parent.glob(f"{path.name}{_DAMAGED}*{_UNREAD}"), _copies(path))):
        with connection:
            found = [connection.execute(_INSERT, row[1:]).rowcount for row in _readable(aside)]
        _log.error("reports_rescued", count=sum(found), moved_from=aside.name)
        if aside.name.endswith(_UNREAD):
            _rename(aside, _read_name(aside))
        else:
            aside.unlink()


def _copies(path: Path) -> Iterator[Path]:
    return (one for one in path.parent.glob(f"{path.name}{_COPIED}*") if one.name[-8:].isalnum())


def _readable(aside: Path) -> Iterator[_Row]:
    """Give the rows that can be read, by position: from both ends to the damage, and between them one by one."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(aside, timeout=10)) as damaged:
        damaged.text_factory = lambda octets: octets.decode(errors="replace")
        last = 0
        for row in _until_damage(damaged, f"{_ROW} ORDER BY position"):
            last = row[0]
            yield row
        end = list(_until_damage(damaged, f"{_ROW} WHERE position > {last} ORDER BY position DESC"))
        first = end[-1][0] if end else damaged.execute(_NEXT).fetchone()[0]
        for position in range(max(last + 1, first - _LARGEST_GAP), first):
            yield from _until_damage(damaged, f"{_ROW} WHERE position = {position}")
        yield from reversed(end)


def _until_damage(damaged: sqlite3.Connection, query: str) -> Iterator[_Row]:
    with suppress(sqlite3.DatabaseError), closing(damaged.execute(query)) as rows:
        for row in rows:
            if isinstance(row[0], int) and None not in row:
                yield row


def _read_name(aside: Path) -> Path:
    return aside.with_name(aside.name.removesuffix(_UNREAD))


def _rename(path: Path, target: Path) -> None:
    for ending in _FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(target.with_name(target.name + ending))
