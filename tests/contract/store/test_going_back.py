"""`maintenance.migrate`: a way back needs a backup, a stopped control plane and a revision that is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane import data_folder, maintenance
from mgmt_ansible.control_plane.store.migrating import revisions
from mgmt_ansible.settings.control_plane import ControlPlaneSettings

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
