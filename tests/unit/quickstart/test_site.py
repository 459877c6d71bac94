"""Stopping a whole site, whatever becomes of one part."""

from __future__ import annotations

import io

import pytest

from mgmt_ansible.quickstart.data_folder import DataFolder
from mgmt_ansible.quickstart.processes import mark_process
from mgmt_ansible.quickstart.site import Site
from mgmt_ansible.quickstart.stages import Stages


def test_a_part_that_cannot_be_stopped_keeps_no_other_running(tmp_path):
    """A record that is a folder stands for any error on the way."""
    folder = DataFolder(root=tmp_path / "up")
    folder.make()
    site = Site(folder, Stages(io.StringIO()))
    site._control_plane.start("http.server", ["--bind", "127.0.0.1", "0"])
    mark = mark_process(site._control_plane.pid)
    (folder.sshd / "sshd.json").mkdir(parents=True)

    with pytest.raises(IsADirectoryError):
        site.stop()

    assert not mark.alive
