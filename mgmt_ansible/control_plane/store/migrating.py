"""Bringing a database to the present schema, and back to the one of an older version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.database import Database

_DROPS_COLUMNS = (3, 35, 0)
"""SQLite from this version on. Source: https://www.sqlite.org/lang_altertable.html, 5."""


def migrate(database: Database, *, to: str = "head") -> None:
    """Run the migrations that are missing; safe to call from several processes at once.

    Args:
        database: Is locked against every other writer meanwhile.
        to: The last revision to run.

    Raises:
        StoreError: The database was written by a newer version, or a migration failed.
    """
    _run(database, command.upgrade, to)


def step_back(database: Database, *, to: str) -> None:
    """Undo the migrations after a revision; what only they can hold is gone.

    Args:
        database: Is locked against every other writer meanwhile.
        to: A revision that this version knows, not newer than the database's.

    Raises:
        StoreError: The database was written by a newer version, or SQLite is too old to go back.
    """
    if database.path is not None and sqlite3.sqlite_version_info < _DROPS_COLUMNS:
        raise errors.StoreError(
            f"going back needs SQLite 3.35, this is {sqlite3.sqlite_version}. Next: restore a backup of that version instead"
        )
    _run(database, command.downgrade, to)


def revision_of(database: Database) -> str:
    """Return the revision of a database; empty when it has none."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def revisions() -> tuple[str, ...]:
    """Return the revisions that this version knows, the newest first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def _run(database: Database, direction: Callable[[Config, str], None], to: str) -> None:
    config = _config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        try:
            direction(config, to)
        except CommandError as exc:
            newest = revisions()[0]
            raise errors.StoreError(
                f"the database cannot be migrated: {exc}; is it from a newer version? Then use that one, or bring the"
                f" database back with it: mgmt-ansible store migrate --to {newest} --backup FILE"
            ) from exc


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
