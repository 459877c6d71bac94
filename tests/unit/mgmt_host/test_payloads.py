"""What killed modules leave among a host's temporary files goes; what is in use, new, or somebody else's stays."""

from __future__ import annotations

import os
import time

import pytest
from mgmt_host.machine import payloads

OWN, LEFT = "ansible_mgmt_package_payload_own_0000", "ansible_mgmt_deployment_payload_left0000"


def make(parent, name, age_seconds=7200.0):
    """Make a folder as Ansible does, with its archive; return it."""
    folder = parent / name
    folder.mkdir(mode=0o700)
    (folder / "ansible_mgmt_package_payload.zip").write_bytes(b"zip")
    began = time.time() - age_seconds
    os.utime(folder, (began, began))
    return folder


def sweep(parent):
    """Run as a module from a folder of its own there."""
    own = make(parent, OWN)
    with payloads.held(sweeping=True, origin=str(own / "ansible_mgmt_package_payload.zip" / "ansible" / "x.py")):
        return sorted(one.name for one in parent.iterdir())


def test_what_a_killed_module_left_is_removed(tmp_path):
    """But not the folder of the module that removes."""
    make(tmp_path, LEFT)

    assert [OWN] == sweep(tmp_path)


@pytest.mark.parametrize(
    "name", ["ansible_mgmt_other_payload_left0000", "ansible_mgmt_package_payload_x", "ansible_stat_payload_left0000"]
)
def test_only_folders_of_our_modules_are_looked_at(tmp_path, name):
    """Ansible's own modules leave some, too."""
    make(tmp_path, name)

    assert sorted([OWN, name]) == sweep(tmp_path)


def test_a_folder_of_the_last_hour_stays(tmp_path):
    """A run that has just begun may not hold its own yet."""
    make(tmp_path, LEFT, age_seconds=60.0)

    assert [LEFT, OWN] == sweep(tmp_path)


def test_a_folder_that_a_run_holds_stays(tmp_path):
    """However old it is: some runs take long."""
    other = make(tmp_path, LEFT)
    with payloads.held(sweeping=False, origin=str(other / "x.py")):
        assert [LEFT, OWN] == sweep(tmp_path)


def test_links_are_not_followed(tmp_path):
    """Neither one in a folder's place nor one in it."""
    outside = make(tmp_path, "outside")
    (tmp_path / LEFT).symlink_to(outside)
    inside = make(tmp_path, LEFT[:-1] + "1")
    (inside / "link").symlink_to(outside / "ansible_mgmt_package_payload.zip")
    os.utime(inside, (0, 0))

    assert [LEFT, OWN, "outside"] == sweep(tmp_path)
    assert b"zip" == (outside / "ansible_mgmt_package_payload.zip").read_bytes()


def test_a_folder_in_a_folder_stays(tmp_path):
    """Ansible makes none, so it is not ours to judge."""
    (make(tmp_path, LEFT) / "kept").mkdir()
    os.utime(tmp_path / LEFT, (0, 0))
    sweep(tmp_path)

    assert (tmp_path / LEFT / "kept").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_another_accounts_folder_stays(tmp_path):
    """Even where root could remove it."""
    os.chown(make(tmp_path, LEFT), 65534, 65534)

    assert [LEFT, OWN] == sweep(tmp_path)


def test_a_run_whose_folder_has_gone_goes_on(tmp_path):
    """Whoever tidies a host's temporary files ends no run."""
    with payloads.held(sweeping=True, origin=str(tmp_path / OWN / "x.py")):
        assert [] == list(tmp_path.iterdir())


def test_code_that_ansible_did_not_unpack_sweeps_nothing(tmp_path):
    """A test, or the program that stays on the host."""
    make(tmp_path, LEFT)
    with payloads.held(sweeping=True, origin=str(tmp_path / "mgmt_host" / "x.py")):
        assert [LEFT] == [one.name for one in tmp_path.iterdir()]
