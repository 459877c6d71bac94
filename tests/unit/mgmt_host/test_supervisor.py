"""The supervisor alone: it owns its server whatever happens, and there is one a slot."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from mgmt_host import programs
from mgmt_host.machine import durable_files
from mgmt_host.running import slots, supervisor


def wait_for(condition, seconds=60.0):
    """Return the condition's first true value; AssertionError when it stays false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition stayed false")


@pytest.fixture
def slot(host):
    """Return slot a of d1, whose server writes the file `up` and sleeps."""
    made = slots.find(host.own(), "a")
    Path(made.folder).mkdir(parents=True)
    config = {
        "command": ["/bin/sh", "-c", f"touch {made.folder}/up; exec sleep 60"],
        "environment": {"PATH": "/usr/bin:/bin"},
        "program_dir": programs.install(host.layout),
        "stop_timeout_seconds": 2.0,
        "nonce": "n1",
    }
    durable_files.write_json(f"{made.folder}/slot.json", config)
    return made


def test_a_record_that_cannot_be_written_is_written_later(slot):
    """The supervisor lives through a refusing disk, and so its server stays owned."""
    blocked = Path(slot.folder) / "process.json"
    blocked.mkdir()
    slots.supervise(slot)
    wait_for((Path(slot.folder) / "up").exists)
    blocked.rmdir()

    assert wait_for(lambda: slot.server)


def test_a_command_that_cannot_be_started_counts_as_an_exit(slot):
    """Gates see it at once instead of waiting."""
    slots.start(slot, dict(slot.config, command=["/nowhere"]))

    assert wait_for(lambda: slot.process.get("exits"))
    assert 127 == slot.process["last_exit"]["code"]


def test_a_supervisor_with_another_nonce_starts_nothing(slot):
    """The slot belongs to a later start."""
    supervisor.Supervisor(slot.folder, "n0").run()

    assert not (Path(slot.folder) / "up").exists()


def test_a_supervisor_not_seen_yet_ends_after_a_stop(slot):
    """A stop takes the nonce away from whom it cannot see."""
    slots.stop(slot, 1.0)
    supervisor.Supervisor(slot.folder, "n1").run()

    assert not (Path(slot.folder) / "up").exists()


def test_starting_a_slot_ends_what_ran_in_it(slot):
    """Never two supervisors in one slot."""
    slots.start(slot, slot.config)
    first = wait_for(lambda: slot.server)
    slots.start(slot, slot.config)

    assert not first.alive
    assert wait_for(lambda: slot.server)


def test_a_supervisor_knows_nothing_of_the_run_that_started_it(slot, monkeypatch):
    """Its environment outlives the run's folders and marks."""
    monkeypatch.setenv("AWX_ISOLATED_DATA_DIR", "/gone")
    slots.start(slot, slot.config)
    supervising = wait_for(lambda: slot.supervisor)

    assert b"AWX_" not in Path(f"/proc/{supervising.pid}/environ").read_bytes()
