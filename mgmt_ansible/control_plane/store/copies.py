"""Copies of a whole database as files, made while others write: SQLite's own online backup, and PostgreSQL's `pg_dump`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.database import Database, translated
from mgmt_ansible.control_plane.store.migrating import revisions
from mgmt_ansible.control_plane.store.schema import PACKAGES

_PAGES = 4_096
"""Of SQLite in one step of a copy."""

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much, in a unit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCopy:
    """What a copy holds.

    Attributes:
        kind: `sqlite` or `postgresql`.
        revision: Of its schema.
        archives: sha256 of the archives that its packages have.
    """

    kind: str
    revision: str
    archives: frozenset[str]


def kind_of(database: Database) -> str:
    """Return `sqlite` or `postgresql`."""
    return "postgresql" if database.path is None else "sqlite"


def copy_out(database: Database, target: Path, progress: Progress) -> DatabaseCopy:
    """Write a database as it is at one moment to a new file, and say what it holds.

    Raises:
        ConfigError: A program of PostgreSQL is missing.
        StoreError: The database cannot be read, or the copy is damaged.
    """
    if database.path is not None:
        return _copy_sqlite(database.path, target, progress)
    return _dump_postgresql(database, target, progress)


def copy_in(database: Database, source: Path) -> None:
    """Bring a copy's content into a database of its kind; what was there is gone.

    Of SQLite the old file is kept beside, with the ending `.before-restore`.

    Raises:
        ConfigError: A program of PostgreSQL is missing.
        StoreError: The database refused.
    """
    if database.path is not None:
        _replace_sqlite(database.path, source)
    else:
        _restore_postgresql(database, source)


def is_empty(database: Database) -> bool:
    """Tell whether there is nothing that a restore would remove."""
    if database.path is not None:
        return not database.path.exists()
    with database.read() as connection:
        return not sa.inspect(connection).get_table_names()


def in_use(database: Database) -> bool:
    """Tell whether others are connected to a PostgreSQL database; of SQLite nobody can tell."""
    if database.path is not None:
        return False
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.read() as connection:
        return bool(connection.execute(sa.text(others)).scalar_one())


def check_copy(database: Database, path: Path, kind: str, revision: str) -> None:
    """Refuse a copy that is damaged, of a newer version, or of the other kind of database.

    Raises:
        ConfigError: It is of the other kind.
        StoreError: The message says which of the others.
    """
    if kind != kind_of(database):
        raise errors.ConfigError(
            f"database: the backup is of {kind}, this is {kind_of(database)}: restore it into {kind}"
        )
    known = revisions()
    if revision not in known:
        raise errors.StoreError(
            f"the backup has schema {revision}, which this version ({known[0]}) does not know: install the version that made it"
        )
    if kind == "sqlite":
        _check_sqlite(path)


def _copy_sqlite(path: Path, target: Path, progress: Progress) -> DatabaseCopy:
    with _sqlite_errors(path), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source:
        source.isolation_level = None
        source.execute("BEGIN")  # what others write meanwhile is not in the copy, and does not make it begin again
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=_PAGES, progress=lambda _, left, whole: progress(whole - left, whole))
            copy.execute("PRAGMA journal_mode=DELETE")
    return _check_sqlite(target)


def _check_sqlite(path: Path) -> DatabaseCopy:
    with _sqlite_errors(path), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        found = "; ".join(str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)"))
        if found != "ok":
            raise errors.StoreError(f"{path} is damaged: {found}")
        revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        archives = frozenset(row[0] for row in copy.execute("SELECT archive_sha256 FROM packages"))
    return DatabaseCopy(kind="sqlite", revision=revision, archives=archives)


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise errors.StoreError(f"{path}: {exc}") from exc


def _replace_sqlite(path: Path, source: Path) -> None:
    old = path.with_name(f"{path.name}.before-restore")
    for ending in ("-wal", "-shm"):  # of the old file: with the new one they would damage it
        _with_ending(old, ending).unlink(missing_ok=True)
        if _with_ending(path, ending).exists():
            _with_ending(path, ending).replace(_with_ending(old, ending))
    if path.exists():
        path.replace(old)
    source.replace(path)
    _sync_folder(path.parent)


def _with_ending(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _dump_postgresql(database: Database, target: Path, progress: Progress) -> DatabaseCopy:
    with translated(), database.engine.connect() as connection:
        connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        snapshot = connection.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one()
        revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
        archives = frozenset(connection.execute(sa.select(PACKAGES.c.archive_sha256)).scalars())
        progress(0, 1)
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
        _run("pg_dump", database, options)
        progress(1, 1)
    return DatabaseCopy(kind="postgresql", revision=revision, archives=archives)


def _restore_postgresql(database: Database, source: Path) -> None:
    with database.write() as connection:
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            connection.execute(sa.text(statement))
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source)]
    _run("pg_restore", database, options)


def _run(program: str, database: Database, options: list[str]) -> None:
    """Run a program of PostgreSQL; its password goes by its environment, as everybody can read arguments."""
    url = database.engine.url
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment: Mapping[str, str] = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [_program(program), f"--dbname={target}", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise errors.StoreError(f"{program} failed: {' '.join(done.stderr.split())[-1_000:]}")


def _program(name: str) -> str:
    """Return where a program is: on the path, or where Debian keeps those of the newest version."""
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None)
    if found is None:
        raise errors.ConfigError(
            f"database: needs PostgreSQL's program {name} (Debian: apt-get install postgresql-client)"
        )
    return found
