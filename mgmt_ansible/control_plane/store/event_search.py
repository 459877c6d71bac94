"""Search in the feed by the words of its entries: FTS5 on SQLite, an index on text-search vectors on PostgreSQL.

Both index the column `words`, which holds words as `domain/search_words` makes them, and so neither has to divide text or to
understand what people type.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

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


MERGE = "INSERT INTO deployment_events_search(deployment_events_search, rank) VALUES ('merge', 64)"
"""Brings parts of SQLite's index together, for 64 pages. Each transaction adds a part, and when sixteen have come together
SQLite merges them all at once, which may take a second. Source: https://sqlite.org/fts5.html, 6.8 and 6.10."""


def holds(words: Sequence[str], dialect: str) -> sa.ColumnElement[bool]:
    """Return a condition: an entry has, for each of these words, one that begins with it.

    Args:
        words: As `words_of` gives them; none of them holds a quote or a blank.
        dialect: The database's, as SQLAlchemy names it.
    """
    if not words:
        return sa.false()
    if dialect == "sqlite":
        found = sa.text("SELECT rowid FROM deployment_events_search WHERE deployment_events_search MATCH :words_asked")
        asked = " ".join(f'"{word}"*' for word in words)
        return DEPLOYMENT_EVENTS.c.sequence.in_(
            found.bindparams(words_asked=asked).columns(sa.column("rowid", sa.Integer))
        )
    vector = sa.func.array_to_tsvector(sa.func.string_to_array(DEPLOYMENT_EVENTS.c.words, sa.literal_column("' '")))
    return vector.bool_op("@@")(sa.cast(" & ".join(f"'{word}':*" for word in words), TSQUERY))
