"""`any_of`: the same answers as `IN` on both databases, of texts and numbers, of none and of many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.database import Database

TABLE = sa.table("told", sa.column("id", sa.BigInteger), sa.column("name", sa.String))
NASTY = ("plain", "it's", 'a "quote"', "back\\slash", "[1, 2]", "{x}", "NULL", "ünïcode \U0001f600", "%s ?", "")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    with found.write() as connection:
        connection.execute(sa.text("CREATE TABLE told (id BIGINT PRIMARY KEY, name VARCHAR)"))
        connection.execute(TABLE.insert(), [{"id": number, "name": name} for number, name in enumerate(NASTY)])
        connection.execute(TABLE.insert(), [{"id": 2**62, "name": None}])
    yield found
    found.close()


def _ids(database: Database, query: sa.Select[tuple[int]], **parameters: object) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(query.order_by(TABLE.c.id), parameters).scalars())


@pytest.mark.parametrize("values", [(), ("plain",), NASTY, ("absent", "it's"), tuple(map(str, range(70_000)))])
def test_texts_are_found_as_with_in(database: Database, values: tuple[str, ...]) -> None:
    wanted = [number for number, name in enumerate(NASTY) if name in values]
    assert _ids(database, sa.select(TABLE.c.id).where(any_of(TABLE.c.name, values))) == wanted


def test_numbers_are_found_as_with_in(database: Database) -> None:
    assert _ids(database, sa.select(TABLE.c.id).where(any_of(TABLE.c.id, [3, 2**62, 99]))) == [3, 2**62]


def test_a_prepared_statement_gets_its_values_by_name(database: Database) -> None:
    query = sa.select(TABLE.c.id).where(any_of(TABLE.c.name, "names"))
    assert _ids(database, query, names=["plain"]) == [0]
    assert _ids(database, query, names=["", "NULL"]) == [6, 9]


def test_it_goes_together_with_other_conditions(database: Database) -> None:
    of_names = any_of(TABLE.c.name, ["plain", "it's"])
    assert _ids(database, sa.select(TABLE.c.id).where(of_names & (TABLE.c.id > 0))) == [1]
    assert _ids(database, sa.select(TABLE.c.id).where(of_names | (TABLE.c.id == 5))) == [0, 1, 5]
    assert _ids(database, sa.select(TABLE.c.id).where(~of_names, TABLE.c.id < 4)) == [2, 3]


def test_sqlite_finds_them_by_an_index(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/indexed.sqlite3")
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE told (id BIGINT, name VARCHAR)"))
        connection.execute(sa.text("CREATE INDEX by_name ON told (name)"))
        query = sa.select(TABLE.c.id).where(any_of(TABLE.c.name, ["a"])).compile(connection)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ('["a"]',)).all()
    database.close()
    assert any("USING INDEX by_name" in row.detail for row in plan), plan
