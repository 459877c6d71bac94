"""Writing to SQLite: one writer at a time with its checkpoint, readers beside it, every commit on disk."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.database import Database


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "x.sqlite3"))


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{path}", busy_seconds=0.05)
    yield made
    made.close()


def lock_is_free(path: Path) -> bool:
    """Tell whether another process could write now."""
    with path.with_name(f"{path.name}-writer").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def another_writer(path: Path) -> Iterator[None]:
    with path.with_name(f"{path.name}-writer").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def insert(connection: sa.Connection, rows: int = 1, size: int = 10) -> None:
    connection.execute(sa.text("CREATE TABLE IF NOT EXISTS t (x TEXT)"))
    connection.execute(sa.text("INSERT INTO t VALUES (:x)"), [{"x": "x" * size}] * rows)


@pytest.mark.parametrize(("pragma", "expected"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_every_connection_writes_durably(database: Database, pragma: str, expected: object):
    """WAL with a full fsync for every commit: actions, events and claims alike."""
    with database.write() as connection:
        assert expected == connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()


def test_a_commit_and_its_checkpoint_are_under_the_lock(database: Database, path: Path):
    """SQLite checkpoints at the end of a large commit: nobody else may write then (the WAL-reset bug)."""
    free_at_commit: list[bool] = []
    sa.event.listen(database.engine, "commit", lambda _: free_at_commit.append(lock_is_free(path)))
    before = path.stat().st_size

    with database.write() as connection:
        insert(connection, rows=3000, size=4000)

    assert [False] == free_at_commit
    assert path.stat().st_size > before + 4_000_000, "the checkpoint ran"
    assert lock_is_free(path)


def test_a_writer_waits_for_another_process(database: Database, path: Path):
    """And is told to come again when it takes too long; nothing was begun."""
    with another_writer(path), pytest.raises(errors.StoreUnavailableError, match="another writer"), database.write():
        pytest.fail("two writers at a time")

    with database.write() as connection:
        insert(connection)


def test_a_reader_waits_for_nobody(database: Database, path: Path):
    """Also while somebody writes."""
    with database.write() as connection:
        insert(connection)

    with another_writer(path), database.read() as connection:
        assert 1 == connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one()


def test_a_reader_cannot_write(database: Database):
    """It does not hold the lock; a connection that read may write later."""
    with pytest.raises(errors.StoreError, match="readonly"), database.read() as connection:
        insert(connection)

    with database.write() as connection:
        insert(connection)


def test_a_broken_transaction_gives_the_lock_back(database: Database, path: Path):
    """The next writer does not wait."""
    with pytest.raises(errors.StoreError, match="no such table"), database.write() as connection:
        connection.execute(sa.text("SELECT * FROM missing"))

    assert lock_is_free(path)
