"""What is done from beside a control plane: ways back of its schema, and what its audit is told of backups."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane import data_folder, maintenance
from mgmt_ansible.control_plane.audit import Audit
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.migrating import revisions
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.settings.control_plane import ControlPlaneSettings
from mgmt_ansible.wire.audit import AuditFilters

NEWEST = revisions()[0]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> ControlPlaneSettings:
    (tmp_path / "packages").mkdir()
    return ControlPlaneSettings(data=tmp_path, database=database_url)


def go(settings: ControlPlaneSettings, to: str | None, backup: Path | None = None) -> tuple[str, str]:
    return maintenance.migrate(settings, to=to, backup=backup, progress=lambda *_: None)


def test_there_and_back_with_a_backup(settings: ControlPlaneSettings, tmp_path: Path):
    """The backup is of what was there before."""
    assert (NEWEST, "0018") == go(settings, "0018", tmp_path / "b.tar")
    assert ("0018", NEWEST) == go(settings, None)
    assert (tmp_path / "b.tar").stat().st_size > 0


def test_a_way_back_without_a_backup_is_refused(settings: ControlPlaneSettings):
    """The error says which option is missing."""
    with pytest.raises(errors.ConfigError, match="--backup"):
        go(settings, "0018")

    assert (NEWEST, NEWEST) == go(settings, None)


@pytest.mark.parametrize("to", ["9999", "base", "", "-1", "head"])
def test_an_unknown_revision_is_refused(settings: ControlPlaneSettings, tmp_path: Path, to: str):
    """What Alembic would take as a direction too."""
    with pytest.raises(errors.ConfigError, match=f"0001 to {NEWEST}"):
        go(settings, to, tmp_path / "b.tar")


def test_a_running_control_plane_is_left_alone(settings: ControlPlaneSettings, tmp_path: Path):
    """It would write into tables that are gone."""
    data_folder.write_address(tmp_path, "http://127.0.0.1:1")

    with pytest.raises(errors.ConflictError, match="stop it"):
        go(settings, "0018", tmp_path / "b.tar")


def test_backups_and_restores_are_in_the_audit(settings: ControlPlaneSettings, tmp_path: Path):
    """Who of this machine, which file, and its digest; the restored chain goes on and is whole."""
    file = tmp_path / "b.tar"
    maintenance.back_up(settings, file, lambda *_: None)
    maintenance.restore(settings, file, force=True)

    with closing(Store(settings.database_url)) as store:
        audit = Audit(store, Wakeups())
        (restored,) = audit.list_entries(AuditFilters()).data
        assert ("store_restore", "backup", "b.tar") == (restored.action, restored.target_kind, restored.target_id)
        assert restored.actor.endswith("on this machine")
        assert hashlib.sha256(file.read_bytes()).hexdigest() in restored.summary
        assert audit.verify().whole


def test_a_backup_is_told_to_the_database_it_is_of(settings: ControlPlaneSettings, tmp_path: Path):
    """After it was made, so that it does not hold its own entry."""
    maintenance.back_up(settings, tmp_path / "b.tar", lambda *_: None)

    with closing(Store(settings.database_url)) as store:
        assert ["store_backup"] == [one.action for one in Audit(store, Wakeups()).list_entries(AuditFilters()).data]


def test_a_backup_of_an_older_schema_needs_no_audit(settings: ControlPlaneSettings, tmp_path: Path):
    """There is no table of it; a restore brings it to the present schema, which has one."""
    go(settings, "0013", tmp_path / "newer.tar")
    maintenance.back_up(settings, tmp_path / "old.tar", lambda *_: None)
    maintenance.restore(settings, tmp_path / "old.tar", force=True)

    with closing(Store(settings.database_url)) as store:
        assert (NEWEST, 1) == (store.revision(), Audit(store, Wakeups()).head().sequence)
