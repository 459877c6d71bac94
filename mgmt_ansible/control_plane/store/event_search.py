"""Search in the feed by the words of its entries: FTS5 on SQLite, an index on text-search vectors on PostgreSQL.

Both index the column `words`, which holds words as `domain/search_words` makes them, and so neither has to divide text or to
understand what people type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from mgmt_ansible.control_plane.store.event_criteria import between
from mgmt_ansible.control_plane.store.schema import DEPLOYMENT_EVENTS

_SQLITE = (
    """
    CREATE VIRTUAL TABLE deployment_events_search USING fts5(
        words, content='deployment_events', content_rowid='sequence', tokenize='unicode61 remove_diacritics 0'
    )
    """,
    """
    CREATE TRIGGER deployment_events_search_added AFTER INSERT ON deployment_events BEGIN
        INSERT INTO deployment_events_search(rowid, words) VALUES (new.sequence, new.words);
    END
    """,
    """
    CREATE TRIGGER deployment_events_search_removed AFTER DELETE ON deployment_events BEGIN
        INSERT INTO deployment_events_search(deployment_events_search, rowid, words)
        VALUES ('delete', old.sequence, old.words);
    END
    """,
    "INSERT INTO deployment_events_search(deployment_events_search) VALUES ('rebuild')",
)

_POSTGRESQL = (
    "CREATE INDEX deployment_events_search ON deployment_events USING gin (array_to_tsvector(string_to_array(words, ' ')))",
)

STATEMENTS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
"""Dialect -> what makes the search of a feed whose column `words` is filled; an entry is never changed."""


_MERGE = sa.text("INSERT INTO deployment_events_search(deployment_events_search, rank) VALUES ('merge', :pages)")
_LEAST_PAGES = 8


def tidy(connection: sa.Connection, entries: int) -> None:
    """Bring parts of SQLite's index together, as much as keeps up with entries that were added or removed just now.

    Each transaction adds a part. Left to itself SQLite merges many parts at once now and then, which may take a second, so it is
    told not to (migration 0014), and does a little each time instead. Source: https://sqlite.org/fts5.html, 6.1, 6.7 and 6.8.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(_MERGE, {"pages": _LEAST_PAGES + entries // 2})


_SEARCH = sa.table(
    "deployment_events_search", sa.column("rowid", sa.Integer), sa.column("deployment_events_search", sa.Text)
)
"""SQLite's index of words; its column of its own name is what is asked."""


def holds(words: Sequence[str], dialect: str) -> sa.ColumnElement[bool]:
    """Return a condition: an entry has, for each of these words, one that begins with it.

    Args:
        words: As `words_of` gives them; none of them holds a quote or a blank.
        dialect: The database's, as SQLAlchemy names it.
    """
    if not words:
        return sa.false()
    if dialect == "sqlite":
        return DEPLOYMENT_EVENTS.c.sequence.in_(_matched(words))
    vector = sa.func.array_to_tsvector(sa.func.string_to_array(DEPLOYMENT_EVENTS.c.words, sa.literal_column("' '")))
    return vector.bool_op("@@")(sa.cast(" & ".join(f"'{word}':*" for word in words), TSQUERY))


def in_row(words: Sequence[str], dialect: str) -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions that say the same without an index: for a few entries that are looked at anyway."""
    place = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    stored = sa.literal_column("' '", sa.Text) + DEPLOYMENT_EVENTS.c.words
    return (place(stored, f" {word}") > 0 for word in words)


def matching(
    words: Sequence[str],
    others: Sequence[sa.ColumnElement[bool]],
    *,
    dialect: str,
    before: int | None = None,
    after: int | None = None,
) -> sa.Subquery:
    """Return the sequences (column `sequence`) of entries that have words and fulfil conditions, by the index of words.

    For PostgreSQL `OFFSET 0` is a border: an order outside does not make it go along the feed instead of the index.
    """
    if dialect == "sqlite" and not others:
        return _matched(words, before=before, after=after).subquery()
    conditions = (*others, *between(before=before, after=after))
    found = sa.select(DEPLOYMENT_EVENTS.c.sequence).where(holds(words, dialect), *conditions)
    return found.offset(0).subquery()


def _matched(words: Sequence[str], *, before: int | None = None, after: int | None = None) -> sa.Select[Any]:
    """Return a query of FTS5, which takes bounds and the order of `rowid` itself."""
    sequence = _SEARCH.c.rowid
    lower = [] if after is None else [sequence > after]
    upper = [] if before is None else [sequence < before]
    asked = " ".join(f'"{word}"*' for word in words)
    return sa.select(sequence.label("sequence")).where(
        _SEARCH.c.deployment_events_search.bool_op("MATCH")(asked), *lower, *upper
    )
