"""Bringing a database to the present schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.database import Database


def migrate(database: Database, *, to: str = "head") -> None:
    """Run the migrations that are missing; safe to call from several processes at once.

    Args:
        database: Is locked against every other writer meanwhile.
        to: The last revision to run.

    Raises:
        StoreError: The database was written by a newer version, or a migration failed.
    """
    config = _config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, to)
        except CommandError as exc:
            raise errors.StoreError(f"the database cannot be migrated: {exc}; is it from a newer version?") from exc


def revisions() -> tuple[str, ...]:
    """Return the revisions that this version knows, the newest first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
