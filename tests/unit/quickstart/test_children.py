"""Our own programs: started with a log and a mark, stopped whatever became of either."""

from __future__ import annotations

import shutil

import pytest

from mgmt_ansible import errors
from mgmt_ansible.quickstart import processes
from mgmt_ansible.quickstart.children import Child
from mgmt_ansible.quickstart.data_folder import DataFolder


@pytest.fixture
def folder(tmp_path):
    """A data folder."""
    made = DataFolder(root=tmp_path / "up")
    made.make()
    return made


@pytest.fixture
def child(folder):
    """A program that waits; `http.server` stands for any."""
    one = Child(folder, "waiting")
    one.start("http.server", ["--bind", "127.0.0.1", "0"])
    yield one
    one.stop()


def test_a_child_is_stopped(child):
    """And its mark is gone."""
    mark = processes.mark_process(child.pid)

    child.stop()

    assert not mark.alive


def test_a_child_is_stopped_though_its_folder_is_gone(child, folder):
    """Somebody may clean up behind our back."""
    mark = processes.mark_process(child.pid)
    shutil.rmtree(folder.root)

    child.stop()

    assert not mark.alive


def test_a_child_whose_start_was_cut_short_is_stopped(folder, monkeypatch):
    """Ctrl-C may come before there is a mark."""

    def interrupt(pid):
        raise KeyboardInterrupt

    child = Child(folder, "waiting")
    with monkeypatch.context() as patch:
        patch.setattr(processes, "mark_process", interrupt)
        with pytest.raises(KeyboardInterrupt):
            child.start("http.server", ["--bind", "127.0.0.1", "0"])
    mark = processes.mark_process(child.pid)

    child.stop()

    assert not mark.alive


def test_the_next_one_stops_a_leftover(child, folder):
    """By its mark, whoever started it."""
    mark = processes.mark_process(child.pid)

    Child(folder, "waiting").stop_leftover()

    assert not mark.alive


def test_a_failure_shows_the_end_of_the_log(folder):
    """So that nobody needs to look for it."""
    child = Child(folder, "failing")
    child.start("no_such_module", [])

    with pytest.raises(errors.QuickstartError, match="No module named no_such_module"):
        child.wait()


def test_settings_of_the_user_do_not_reach_our_programs(folder, monkeypatch):
    """A variable that is meant for another control plane changes nothing here."""
    monkeypatch.setenv("MGMT_ANSIBLE_SERVE_PORT", "1")
    (folder.root / "printing.py").write_text("import os; print(sorted(os.environ))")
    child = Child(folder, "environment")
    child.start("printing", [])
    child.wait()

    assert "PATH" in child.log_end()
    assert "MGMT_ANSIBLE_SERVE_PORT" not in child.log_end()
