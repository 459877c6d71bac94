"""Damage to SQLite's files: noticed at the start and by the daily look, told with the file's name and the next step."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.storage import Storage
from mgmt_ansible.control_plane.store import Store

PAGE = 4096
ROWS = 500


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A database with something in it, closed."""
    path = Path(shutil.copy(sqlite_template, tmp_path / "x.sqlite3"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO reports VALUES (?, 'agent', '2026-11-01 00:00:00.000000')",
            [(f"report-{number}",) for number in range(ROWS)],
        )
    return path


@pytest.fixture
def crashed(path: Path, tmp_path: Path) -> Path:
    """A copy of the three files as a kill leaves them: committed rows are in the -wal only."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        for number in range(20):
            with connection:
                connection.execute(
                    "INSERT INTO reports VALUES (?, 'agent', '2026-11-01 00:00:00.000000')", (f"later-{number}",)
                )
        copies = tmp_path / "crashed"
        copies.mkdir()
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{suffix}", copies / f"x.sqlite3{suffix}")
    return copies / "x.sqlite3"


def rows(path: Path) -> int:
    store = Store(f"sqlite:///{path}")
    store.prepare()
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert "ok" == connection.execute("PRAGMA integrity_check").fetchone()[0]
        return connection.execute("SELECT count(*) FROM reports").fetchone()[0]


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_in_the_head_of_a_page_are_noticed(path: Path, seed: int):
    """Sixteen of them, in a page that is in use."""
    content = bytearray(path.read_bytes())
    page = random.Random(seed).randrange(len(content) // PAGE)
    for offset in range(page * PAGE, page * PAGE + 16):
        content[offset] ^= 0xFF
    path.write_bytes(content)
    store = Store(f"sqlite:///{path}")

    with pytest.raises(errors.StoreError, match=r"x\.sqlite3 is damaged .*put a backup") as refused:
        store.prepare()

    store.close()
    assert not isinstance(refused.value, errors.StoreUnavailableError)


def test_a_log_that_was_cut_loses_whole_commits_only(crashed: Path):
    """Half a commit is none."""
    log = crashed.with_name("x.sqlite3-wal")
    content = log.read_bytes()
    log.write_bytes(content[: len(content) - PAGE // 2])

    assert ROWS < rows(crashed) < ROWS + 20


@pytest.mark.parametrize("without", ["", "-shm"])
def test_the_log_is_replayed_also_without_its_index(crashed: Path, without: str):
    """SQLite makes the -shm again."""
    if without:
        crashed.with_name(f"x.sqlite3{without}").unlink()

    assert ROWS + 20 == rows(crashed)


def test_damage_that_happens_while_the_server_runs_is_told(path: Path):
    """By the look that is done every day."""
    store = Store(f"sqlite:///{path}")
    storage = Storage(store)
    storage.check()
    assert "" == storage.trouble()
    store.close()
    content = bytearray(path.read_bytes())
    content[PAGE * 3 : PAGE * 3 + 16] = b"\xff" * 16
    path.write_bytes(content)

    with storage.checked(every_seconds=0.01):
        deadline = time.monotonic() + 60
        while not storage.trouble() and time.monotonic() < deadline:
            time.sleep(0.01)

    assert "x.sqlite3 is damaged" in storage.trouble()
    store.close()
