"""A large feed written at once: rows first, what finds them after, and the newest as they come in life.

Minutes instead of half an hour for a million entries; what is there in the end is what the store's own code would have written.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from benchmarks import event_feeds
from mgmt_ansible.control_plane.store import Store, event_hours, event_search
from mgmt_ansible.control_plane.store.database import Database
from mgmt_ansible.control_plane.store.deployment_events import SEARCHED
from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS
from mgmt_ansible.domain.search_words import stored_words

AS_IN_LIFE = 20_000
"""The newest, which go through the store's own code."""
_TOGETHER = 50
_PART = 50_000
_COLUMNS = tuple(column.name for column in DEPLOYMENT_EVENTS.c if column.name != "sequence")
_SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"
_MERGE_PAGES = 20_000


def fill(url: str, names: event_feeds.Names, count: int) -> None:
    """Write a feed of so many entries to a prepared database that has none."""
    entries = event_feeds.entries(names, count, now=datetime.now(UTC))
    database = Database(url)
    _at_once(database, itertools.islice(entries, max(0, count - AS_IN_LIFE)))
    database.close()
    store = Store(url)
    for some in _parts(entries, _TOGETHER):
        with store.write() as tx:
            tx.deployment_events.append_all(some)
    store.close()


def _at_once(database: Database, entries: Iterable[Mapping[str, object]]) -> None:
    sqlite = database.path is not None
    with database.write() as connection:
        for index in DEPLOYMENT_EVENTS.indexes:
            index.drop(connection)
        connection.execute(
            sa.text(f"DROP {'TRIGGER deployment_events_search_added' if sqlite else 'INDEX deployment_events_search'}")
        )
    for some in _parts(entries, _PART):
        with database.write() as connection:
            (_insert if sqlite else _copy)(connection, some)
    with database.write() as connection:
        if not sqlite:
            connection.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        for index in sorted(DEPLOYMENT_EVENTS.indexes, key=lambda one: str(one.name)):
            index.create(connection)
        event_hours.note_all(connection)
        (_index_words_of_sqlite if sqlite else _index_words_of_postgresql)(connection)


def _parts(entries: Iterable[Mapping[str, object]], size: int) -> Iterator[Sequence[Mapping[str, object]]]:
    rows = iter(entries)
    while some := list(itertools.islice(rows, size)):
        yield some


def _row(entry: Mapping[str, object]) -> tuple[object, ...]:
    values = {**entry, "data": json.dumps(entry["data"]), "words": stored_words(entry[name] for name in SEARCHED)}
    return tuple(values[name] for name in _COLUMNS)


def _insert(connection: sa.Connection, entries: Iterable[Mapping[str, object]]) -> None:
    marks = ", ".join("?" for _ in _COLUMNS)
    rows = (tuple(_stored(value) for value in _row(entry)) for entry in entries)
    _driver(connection).executemany(f"INSERT INTO deployment_events ({', '.join(_COLUMNS)}) VALUES ({marks})", rows)  # noqa: S608 - names of ours


def _stored(value: object) -> object:
    return value.strftime(_SQLITE_TIME) if isinstance(value, datetime) else value


def _copy(connection: sa.Connection, entries: Iterable[Mapping[str, object]]) -> None:
    with _driver(connection).cursor().copy(f"COPY deployment_events ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for entry in entries:
            copy.write_row(_row(entry))


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection


def _index_words_of_sqlite(connection: sa.Connection) -> None:
    """Make the index of words, and bring its parts together as far as the store's own tidying does in the end."""
    *_, added, _removed, rebuild = event_search.STATEMENTS["sqlite"]
    connection.execute(sa.text(rebuild))
    changed = 2
    while changed > 1:  # source: https://sqlite.org/fts5.html, 6.7
        before = _changes(connection)
        event_search.tidy(connection, _MERGE_PAGES)
        changed = _changes(connection) - before
    connection.execute(sa.text(added))


def _changes(connection: sa.Connection) -> int:
    changes: int = _driver(connection).total_changes
    return changes


def _index_words_of_postgresql(connection: sa.Connection) -> None:
    for statement in event_search.STATEMENTS["postgresql"]:
        connection.execute(sa.text(statement))
