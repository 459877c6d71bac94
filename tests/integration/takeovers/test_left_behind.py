"""What a killed agent leaves on its own machine: real processes of real runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mgmt_ansible.execution.left_behind import clear_left_behind, control_path_directory, end_connections
from mgmt_ansible.identifiers import make_id
from tests.integration.loopback_runs import make_content, until

pytestmark = pytest.mark.ssh

TASKS = """
    - name: Work here
      delegate_to: localhost
      ansible.builtin.shell:
        cmd: echo $$ > {place}/here.new; mv {place}/here.new {place}/here; exec tail -f /dev/null
      async: 3600
      poll: 0
    - name: Work there
      ansible.builtin.shell:
        cmd: echo $$ > {place}/there.new; mv {place}/there.new {place}/there; exec tail -f /dev/null
"""


class Run:
    """A process that executes a run, with a task at work here and one on the host."""

    def __init__(self, folder: Path, inventory: Path) -> None:
        self.agent_id = make_id()
        self.folder = folder
        content = make_content(folder / "content", TASKS.format(place=folder))
        told = {
            "agent_id": self.agent_id,
            "environment_id": make_id(),
            "inventory": str(inventory),
            "base_dir": str(folder),
            "content": str(content),
        }
        (folder / "run.json").write_text(json.dumps(told))
        command = [sys.executable, "-m", "tests.integration.takeovers.one_run", str(folder / "run.json")]
        self.process = subprocess.Popen(command)
        until(lambda: (folder / "here").exists() and (folder / "there").exists())

    def processes(self) -> set[int]:
        """Return what belongs to the run on this machine: its private directory, or its connections."""
        pids = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
        mark = f"/.ansible/cp/{self.agent_id[:8]}-".encode()
        return {pid for pid in pids if mark in read(pid, "environ") + read(pid, "cmdline")} - {self.process.pid}

    def pid(self, name: str) -> int:
        return int((self.folder / name).read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.kill()
        for pid in (*self.processes(), self.pid("here"), self.pid("there")):
            if read(pid, "cmdline"):
                os.kill(pid, signal.SIGKILL)


def read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def start(loopback, tmp_path) -> Iterator[object]:
    """Start runs, and end whatever is left of them."""
    runs: list[Run] = []

    def begin() -> Run:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        runs.append(Run(folder, loopback.inventory))
        return runs[-1]

    yield begin
    for run in runs:
        run.end()


def test_every_process_of_a_killed_agents_run_is_stopped_and_no_other(start):
    """Workers, ssh, what a task started here, and the kept connection; a living agent's run goes on."""
    dead, living = start(), start()
    before = living.processes()
    dead.kill()
    orphans = dead.processes()

    clear_left_behind()
    end_connections(dead.agent_id)

    assert len(orphans) >= 3
    assert dead.pid("here") in orphans
    assert set() == dead.processes()
    assert [] == list(Path("~/.ansible/cp").expanduser().glob(f"{dead.agent_id[:8]}-*"))
    assert not read(dead.pid("here"), "cmdline")
    assert read(living.pid("here"), "cmdline")
    assert before & living.processes() >= {living.pid("here")}
    assert living.process.poll() is None
    assert read(living.pid("there"), "cmdline")


def test_its_private_directory_is_gone(start):
    """Variables of a dead run stay nowhere, and a living one keeps its own."""
    dead, living = start(), start()
    found = {path for path in Path("/dev/shm").glob("mgmt-ansible-run-*") if str(path).encode() in directories(living)}
    dead.kill()
    others = {path for path in Path("/dev/shm").glob("mgmt-ansible-run-*") if str(path).encode() in directories(dead)}

    clear_left_behind()

    assert (1, 1) == (len(found), len(others))
    assert (True, False) == (found.pop().exists(), others.pop().exists())


def directories(run: Run) -> bytes:
    return b"".join(read(pid, "environ") for pid in run.processes())


def test_connections_of_an_agent_are_its_own(tmp_path, binding):
    """Whoever says in an `ansible.cfg` where connections are kept is obeyed."""
    (tmp_path / "plain.cfg").write_text("[ssh_connection]\npipelining = True\n")
    (tmp_path / "own.cfg").write_text("[ssh_connection]\ncontrol_path_dir = /run/cp\n")

    assert [f"~/.ansible/cp/aaaaaaaa-{binding.environment_id[:8]}", None, None] == [
        control_path_directory(replace(binding, ansible_cfg=tmp_path / "plain.cfg"), "a" * 24),
        control_path_directory(replace(binding, ansible_cfg=tmp_path / "own.cfg"), "a" * 24),
        control_path_directory(binding, ""),
    ]
