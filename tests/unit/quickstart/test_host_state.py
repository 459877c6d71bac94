"""Stopping what a base directory's records name, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mgmt_ansible.quickstart import host_state, processes

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def sleeper():
    """A process that waits to be stopped."""
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def describe(process, **changes):
    mark = processes.mark_process(process.pid)
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": mark.pid, "start_time": mark.start_time, "boot_id": boot_id, **changes}


def record(base_dir, name, value):
    path = base_dir / "deployments" / "wine" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("name", "key"),
    [("slots/a/process.json", "supervisor"), ("slots/b/process.json", "server"), ("fence.json", "holder")],
)
def test_every_recorded_process_is_stopped(tmp_path, sleeper, name, key):
    """Supervisors, servers, and work that is half done."""
    record(tmp_path, name, {key: describe(sleeper)})

    assert 1 == host_state.stop_models(tmp_path)
    assert sleeper.wait() != 0


@pytest.mark.parametrize("changes", [{"start_time": 1}, {"boot_id": "another"}, {"pid": "x"}])
def test_a_process_that_is_not_the_recorded_one_is_left_alone(tmp_path, sleeper, changes):
    """A pid alone proves nothing."""
    record(tmp_path, "slots/a/process.json", {"server": describe(sleeper, **changes)})

    assert 0 == host_state.stop_models(tmp_path)
    assert sleeper.poll() is None


@pytest.mark.parametrize("value", [None, [], {}, {"server": None}, {"server": {"pid": None}}, "text"])
def test_broken_records_stop_nothing(tmp_path, value):
    """A host's file may hold anything."""
    record(tmp_path, "slots/a/process.json", value)

    assert 0 == host_state.stop_models(tmp_path)


def test_an_absent_base_directory_is_fine(tmp_path):
    """The first `up` has none."""
    assert 0 == host_state.stop_models(tmp_path / "nothing")


class LateRecord:
    """Time that passes only by sleeping; something happens when half a second of it is over."""

    def __init__(self, happen):
        self.now = 0.0
        self._happen = happen

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        before, self.now = self.now, self.now + seconds
        if before < 0.5 <= self.now:
            self._happen()


def test_a_supervisor_that_is_just_coming_up_is_stopped(tmp_path, sleeper, monkeypatch):
    """Its slot is there before its own record is."""
    record(tmp_path, "slots/a/slot.json", {})
    late = LateRecord(lambda: record(tmp_path, "slots/a/process.json", {"supervisor": describe(sleeper)}))
    monkeypatch.setattr(host_state, "time", late)

    assert 1 == host_state.stop_models(tmp_path)
