"""Migrations with rows in every table: one by one to the newest, back to the first, and forward again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.database import Database
from mgmt_ansible.control_plane.store.migrating import migrate, revision_of, revisions, step_back
from mgmt_ansible.control_plane.store.schema import METADATA

AT = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
ROWS = (1, 2)
KINDS = {("access_tokens", "kind"): ("user", "agent")}

NOT_COMPARED = ("alembic_version", "deployment_events_search", "sqlite_")
FOUND = frozenset({"deployment_event_hours", "deployment_history", "deployment_history_begin", "registered_models"})
"""Tables that a migration fills with what it finds; on the way forward it finds it again."""

LEFT = {
    "access_tokens": {"role", "user_id"},
    "deployment_events": {"words"},
    "deployments": {"agent_health", "agent_health_message", "agent_health_since", "owner"},
    "packages": {"registered_model_id", "version_number"},
}
"""Columns whose values the migration makes of what is there."""

SIGNED_IN = frozenset({"login_links", "sessions"})
"""They end with 0012, in both directions: people sign in again."""

COLUMNS = {
    "sqlite": (
        'SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master m'
        " JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.name"
    ),
    "postgresql": (
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    ),
}
OBJECTS = {
    "sqlite": (
        "SELECT 'index', m.name, i.seqno, i.name FROM sqlite_master m JOIN pragma_index_info(m.name) i WHERE m.type = 'index'"
        " UNION ALL SELECT 'trigger', name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
        ' UNION ALL SELECT m.name, f."from", f."table" || f."to", f.on_delete FROM sqlite_master m'
        " JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2, 3, 4"
    ),
    "postgresql": (
        "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        " UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " ORDER BY 1, 2, 3"
    ),
}
"""Dialect -> what tells a whole schema in two questions; reflection would take many times as long."""

Rows = dict[str, list[dict[str, Any]]]
Columns = dict[str, set[str]]


def shape_of(connection: sa.Connection) -> list[tuple[Any, ...]]:
    """Everything that makes a schema, comparable."""
    dialect = connection.dialect.name
    return [tuple(row) for one in (COLUMNS, OBJECTS) for row in connection.exec_driver_sql(one[dialect])]


def columns_of(connection: sa.Connection) -> Columns:
    found: Columns = {}
    for table, column, *_ in connection.exec_driver_sql(COLUMNS[connection.dialect.name]):
        if not table.startswith(NOT_COMPARED):
            found.setdefault(table, set()).add(column)
    return found


def rows_of(connection: sa.Connection, columns: Columns) -> Rows:
    select = "SELECT * FROM {} ORDER BY 1"
    return {
        name: [dict(row._mapping) for row in connection.exec_driver_sql(select.format(name))]
        for name in sorted(columns)
    }


def cut(rows: Rows, columns: Columns) -> Rows:
    """The part of rows that some tables can hold, but for what migrations fill or end."""
    return {
        name: [{key: value for key, value in row.items() if key in columns[name]} for row in found]
        for name, found in rows.items()
        if name in columns and name not in FOUND | SIGNED_IN
    }


def value_for(connection: sa.Connection, column: sa.Column[Any], number: int) -> object:
    for key in column.foreign_keys:
        return connection.execute(sa.select(key.column).order_by(key.column)).scalars().all()[number - 1]
    kind = column.type
    if (column.table.name, column.name) in KINDS:
        return KINDS[column.table.name, column.name][number - 1]
    made = {
        sa.Boolean: number == 1,
        sa.DateTime: AT + timedelta(seconds=number),
        sa.Integer: 100 + number,
        sa.Numeric: 100 + number,
        sa.Float: 100 + number,
        sa.LargeBinary: b"\x00\xff",
        sa.JSON: {"k": [number, "ü"]},
    }
    return next((value for of, value in made.items() if isinstance(kind, of)), f"{column.name}-{number}")


def fill(connection: sa.Connection, former: Columns, columns: Columns) -> None:
    """Put rows into each table that is new, and values into each column that is."""
    changed = {name for name, found in columns.items() if former.get(name) != found} - FOUND
    tables = sa.MetaData()
    tables.reflect(connection, only=sorted(changed))
    for table in (one for one in tables.sorted_tables if one.name in changed):
        known = former.get(table.name, set()) | LEFT.get(table.name, set())
        if table.name in former and table.name not in SIGNED_IN:
            set_values(connection, table, [one for one in table.columns if one.name not in known])
            continue
        for number in ROWS:
            values = {one.name: value_for(connection, one, number) for one in table.columns}
            connection.execute(table.insert().values(**values))


def set_values(connection: sa.Connection, table: sa.Table, added: Sequence[sa.Column[Any]]) -> None:
    for number in ROWS if added else ():
        of_row = [key == value_for(connection, key, number) for key in table.primary_key]
        values = {one.name: value_for(connection, one, number) for one in added}
        connection.execute(table.update().where(*of_row).values(**values))


def test_every_row_goes_forward_and_back(empty_database_url: str):
    """At each step back the schema is the one of that revision, with every row that it can hold."""
    database = Database(empty_database_url)
    order = tuple(reversed(revisions()))
    seen: dict[str, tuple[Columns, list[tuple[Any, ...]], Rows]] = {}
    columns, rows = Columns(), Rows()
    for revision in order:
        migrate(database, to=revision)
        with database.write() as connection:
            former, columns = columns, columns_of(connection)
            assert (revision, cut(rows, columns)) == (revision, cut(cut(rows_of(connection, columns), former), columns))
            fill(connection, former, columns)
            rows = rows_of(connection, columns)
            seen[revision] = (columns, shape_of(connection), rows)

    assert set() == {name for name, found in rows.items() if not found}
    for revision in reversed(order[:-1]):
        step_back(database, to=revision)
        columns, shape, rows = seen[revision]
        with database.read() as connection:
            assert (revision, shape) == (revision, shape_of(connection))
            assert (revision, cut(rows, columns)) == (revision, cut(rows_of(connection, columns), columns))

    migrate(database)
    with database.read() as connection:
        assert cut(rows, columns) == cut(rows_of(connection, columns), columns)
        assert seen[order[-1]][1] == shape_of(connection)
    database.close()


def test_no_token_is_worth_more_in_an_older_version(database_url: str):
    """Where every token was an administrator's, one of a lesser role is revoked; also one of a user."""
    database = Database(database_url)
    token = {"name": "x", "kind": "user", "environment_ids": [], "created_at": AT}
    with database.write() as connection:
        tokens = METADATA.tables["access_tokens"]
        for name in ("admin", "viewer"):
            connection.execute(tokens.insert().values(id=name, sha256=name, role=name, **token))

    step_back(database, to="0006")

    with database.read() as connection:
        good = connection.execute(sa.text("SELECT id FROM access_tokens WHERE revoked_at IS NULL")).scalars().all()
    database.close()
    assert ["admin"] == good


def test_search_works_after_there_and_back(database_url: str):
    """Its index and its triggers are made anew."""
    database = Database(database_url)
    step_back(database, to="0002")
    with database.write() as connection:
        event = sa.Table("deployment_events", sa.MetaData(), autoload_with=connection)
        connection.execute(event.insert().values({one: value_for(connection, one, 1) for one in event.c}))
    migrate(database)

    with database.read() as connection:
        words = connection.execute(sa.text("SELECT words FROM deployment_events")).scalar_one()
    database.close()
    assert "title" in words


def test_a_revision_that_is_unknown_is_refused(database_url: str):
    """Nothing changes."""
    database = Database(database_url)

    with pytest.raises(errors.StoreError, match="9999"):
        step_back(database, to="9999")

    assert revisions()[0] == revision_of(database)
    database.close()
