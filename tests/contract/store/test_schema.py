"""The schema: migrations and tables agree, and a damaged or newer database is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import sqlite

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.database import Database, has_wal_reset_bug
from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime


def is_of_the_metadata(name: str | None, *_: object) -> bool:
    """Tell what SQLAlchemy's tables cannot say: the search of the feed, which is proved in test_event_search."""
    return not (name or "").startswith("deployment_events_search")


def test_the_migrations_make_the_tables(database_url: str):
    """Built step by step or at once, the schema is the same."""
    database = Database(database_url)

    with database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": is_of_the_metadata}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, METADATA)
    database.close()

    assert [] == differences


def test_migrating_twice_changes_nothing(database_url: str):
    """Every start does it."""
    store = Store(database_url)

    store.prepare()
    store.prepare()

    with store.read() as tx:
        assert 0 == tx.deployment_events.newest_sequence()
    store.close()


def test_a_database_of_a_newer_version_is_refused(database_url: str):
    """Never written by an older program."""
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    store = Store(database_url)

    with pytest.raises(errors.StoreError, match="newer version"):
        store.prepare()
    store.close()


def test_a_damaged_file_is_refused(tmp_path: Path, sqlite_template: Path):
    """The message names the file and the way out."""
    damaged = tmp_path / "damaged.sqlite3"
    content = bytearray(sqlite_template.read_bytes())
    content[4096:20_000] = b"\xff" * (20_000 - 4096)
    damaged.write_bytes(content)
    store = Store(f"sqlite:///{damaged}")

    with pytest.raises(errors.StoreError):
        store.prepare()
    store.close()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.52.0", False),
    ],
)
def test_the_wal_reset_bug_is_known_by_version(version: str, expected: bool):
    """Source: reliability F26."""
    assert expected == has_wal_reset_bug(version)


def test_sqlite_in_memory_is_refused():
    """Every connection would see a database of its own."""
    with pytest.raises(errors.ConfigError, match="needs a file"):
        Store("sqlite://")


def test_an_unknown_kind_of_database_is_refused():
    """With what can be given."""
    with pytest.raises(errors.ConfigError, match="postgresql"):
        Store("oracle9://x")


def test_an_unreachable_database_is_unavailable(tmp_path: Path):
    """A caller may try later."""
    store = Store(f"sqlite:///{tmp_path}/missing/x.sqlite3")

    with pytest.raises(errors.StoreUnavailableError):
        store.prepare()
    store.close()


def test_a_writer_does_not_wait_for_another_for_ever(database_url: str):
    """It is told to come again."""
    holder, other = Database(database_url), Database(database_url, busy_seconds=0.01)

    with holder.write(), pytest.raises(errors.StoreUnavailableError), other.write():
        pytest.fail("two writers at a time")
    for database in (holder, other):
        database.close()


def test_a_time_without_zone_is_not_stored():
    """Times are aware, always."""
    with pytest.raises(ValueError, match="zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001 - the point
