"""What is done to a control plane's database and archives from beside it: backup, restore, check."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane import backups, data_folder
from mgmt_ansible.control_plane.backups import Manifest
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.audit import AuditSubject
from mgmt_ansible.control_plane.store.copies import Progress
from mgmt_ansible.control_plane.store.migrating import revisions
from mgmt_ansible.settings.control_plane import ControlPlaneSettings

_PACKAGES = "packages"

_log = structlog.get_logger(__name__)


def back_up(settings: ControlPlaneSettings, target: Path, progress: Progress) -> Manifest:
    """Write a backup to a new file, whether the control plane runs or not; see `backups.back_up`.

    The audit is told, when its database can be written from here.
    """
    with _opened(settings) as store:
        made = backups.back_up(store, settings.data / _PACKAGES, target, progress)
        _tell(store, "store_backup", target, f"of schema {made.revision}")
        return made


def restore(settings: ControlPlaneSettings, source: Path, *, force: bool) -> Manifest:
    """Put a backup in place of what is there, bring it to the present schema, and tell its audit; see `backups.restore`.

    Raises:
        ConflictError: The control plane runs, or others are connected to its database.
    """
    _check_stopped(settings)
    data_folder.make_private(settings.data)
    store = Store(settings.database_url)
    try:
        _check_unused(store)
        found = backups.restore(store, settings.data / _PACKAGES, source, force=force)
    finally:
        store.close()
    with _opened(settings) as restored:
        restored.prepare()
        _tell(restored, "store_restore", source, f"what was there on {found.created_at}")
    return found


def migrate(
    settings: ControlPlaneSettings, *, to: str | None, backup: Path | None, progress: Progress
) -> tuple[str, str]:
    """Bring a database to a revision of its schema, also back to that of an older version.

    Args:
        settings: Say where it is.
        to: One that this version knows; None is the newest.
        backup: Written first; needed on the way back, as newer tables are gone then.
        progress: Told of the backup.

    Returns:
        The revision that was there, and the one that is there now.

    Raises:
        ConfigError: An unknown revision, or no backup for a way back.
        ConflictError: The control plane runs, or others are connected to its database.
        StoreError: The database is of a newer version, or a migration failed.
    """
    known = revisions()
    wanted = known[0] if to is None else to
    if wanted not in known:
        raise errors.ConfigError(f"to: {wanted!r} is no revision that this version knows: {known[-1]} to {known[0]}")
    _check_stopped(settings)
    with _opened(settings) as store:
        _check_unused(store)
        former = store.revision()
        back = former in known and known.index(wanted) > known.index(former)
        if back and backup is None:
            raise errors.ConfigError(
                f"backup: {former} to {wanted} is a way back, which removes what {wanted} cannot hold: name a new file with --backup"
            )
        if backup is not None:
            backups.back_up(store, settings.data / _PACKAGES, backup, progress)
        (store.step_back if back else store.step_forward)(wanted)
        if not back and former != wanted:
            _tell(store, "store_migrate", None, f"{former} to {wanted}")
        return former, store.revision()


def _tell(store: Store, action: str, file: Path | None, summary: str) -> None:
    """Tell the audit who of this machine did something; what cannot be written from here is in the log only.

    Another user than the owner of SQLite's file does not write: what SQLite makes beside it would be theirs.
    """
    who = f"{_user()} on this machine"
    about = f"{file.absolute()} (sha256 {_sha256(file)}): {summary}" if file else summary
    try:
        if store.path is not None and store.path.stat().st_uid != os.geteuid():
            raise errors.StoreUnavailableError(f"{store.path} is another user's")
        with store.write() as tx:
            subject = AuditSubject(
                target_kind="backup" if file else "database",
                target_id=file.name if file else "",
                summary=about,
                action=action,
            )
            tx.audit.note(subject, actor=who)
    except errors.StoreError as error:
        _log.warning("not_audited", action=action, actor=who, about=about, message=str(error))


def _user() -> str:
    """Return the name of whoever runs this, as the operating system has it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _check_stopped(settings: ControlPlaneSettings) -> None:
    url = data_folder.find_running(settings.data)
    if url is not None:
        raise errors.ConflictError(f"the control plane runs ({url}). Next: stop it, then try again")


def _check_unused(store: Store) -> None:
    if store.in_use():
        raise errors.ConflictError("others are connected to the database. Next: stop every control plane on it")


def check(settings: ControlPlaneSettings) -> list[str]:
    """Return what is wrong, a sentence each: the database, and each archive that a package has."""
    with _opened(settings) as store:
        try:
            store.check(thorough=True)
            with store.read() as tx:
                archives = tx.packages.archives()
        except errors.StoreUnavailableError:
            raise
        except errors.StoreError as error:
            return [str(error)]
        found = (_damage(settings.data / _PACKAGES / sha256, sha256) for sha256 in sorted(archives))
        return [one for one in found if one]


def _damage(path: Path, sha256: str) -> str:
    try:
        with path.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError as exc:
        return f"{path}: the archive cannot be read: {exc.strerror}"
    return "" if whole else f"{path}: the archive is damaged. Next: delete its packages and add them again"


@contextmanager
def _opened(settings: ControlPlaneSettings) -> Iterator[Store]:
    """Lend the store; ConfigError when there is none yet."""
    store = Store(settings.database_url)
    try:
        if store.is_empty():
            raise errors.ConfigError(f"data: there is no database in {settings.data}: name the folder with --data")
        yield store
    finally:
        store.close()
