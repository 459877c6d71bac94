"""What a prune leaves of the space in a SQLite file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from tests.contract.store.old_entries import fill
from tests.contract.store.sites import Site

DAY = 86_400


def test_sqlite_gives_the_space_back(sqlite_template: Path, tmp_path: Path):
    """A file that was made by this version gets smaller, and stays whole with its search."""
    site = Site(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'x.sqlite3')}", tmp_path)
    fill(site, 5_000)
    site.clock.pass_seconds(100 * DAY)

    done = site.services.retention.prune(actor="ann", seconds=None)

    assert (4_999, True) == (done.entries, done.complete)
    site.store.check()
    with site.store.write() as tx:
        connection = tx.access._connection
        freed_by_the_last_entry = 100
        assert freed_by_the_last_entry > connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        connection.execute(
            sa.text("INSERT INTO deployment_events_search(deployment_events_search) VALUES ('integrity-check')")
        )
    site.store.close()


def test_an_older_file_uses_its_space_again(sqlite_template: Path, tmp_path: Path):
    """Giving it back would take a `VACUUM`, which is for people to choose."""
    path = tmp_path / "x.sqlite3"
    with closing(sqlite3.connect(shutil.copy(sqlite_template, path))) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("VACUUM")
    site = Site(f"sqlite:///{path}", tmp_path)
    fill(site, 2_000)
    site.clock.pass_seconds(100 * DAY)

    done = site.services.retention.prune(actor="ann", seconds=None)

    assert (1_999, True) == (done.entries, done.complete)
    with site.store.read() as tx:
        assert 0 < tx.access._connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    site.store.close()
