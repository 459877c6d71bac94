"""`oom_killed`, `timeout`, `canceled`, `playbook_error`, `unknown`: who ended it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from mgmt_host.machine import processes

from mgmt_ansible.domain.outcomes import Cause, Outcome
from tests.integration.causes.cause_words import WORDS
from tests.integration.causes.fault_site import FaultSite, assert_cause, said

TIMES = (
    r"Bring the deployment to its wanted state \(mgmt_deployment\)\n"
    r"began (\S+Z), ([\d.]+) s into the run; no end of it was seen in the ([\d.]+) s that followed\n"
    r"the run's time was over, ([\d.]+) s after it began; 30.0 s were allowed"
)
LIMIT_BYTES = 48 << 20
GREEDY = "import time; time.sleep(4); held = b'x' * (400 << 20); time.sleep(60)"
NEVER_READY = """\
import sys, time
open(sys.argv[1] + "/loaded", "w").close()
time.sleep(60)
"""


class MemoryCgroup:
    """A cgroup of this test, of version 1 or 2, with a limit."""

    def __init__(self, folder: Path) -> None:
        self.members = folder / "cgroup.procs"
        self._limits = [folder / name for name in ("memory.limit_in_bytes", "memory.max")]
        self._swap = {folder / "memory.memsw.limit_in_bytes": LIMIT_BYTES, folder / "memory.swap.max": 0}

    def limit(self) -> None:
        (path,) = [path for path in self._limits if path.exists()]
        path.write_text(str(LIMIT_BYTES))
        for swap, value in self._swap.items():
            if swap.exists():
                swap.write_text(str(value))


@pytest.fixture
def cgroup() -> Iterator[MemoryCgroup]:
    """An empty cgroup with a limit."""
    for parent in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        folder = parent / f"causes-{os.getpid()}"
        try:
            folder.mkdir()
            made = MemoryCgroup(folder)
            made.limit()
        except (OSError, ValueError):
            if folder.exists():
                folder.rmdir()
            continue
        yield made
        folder.rmdir()
        return
    pytest.skip("no memory cgroup is writable here")


def state_of(site: FaultSite) -> Path:
    """Return what tells that a server of the deployment was started."""
    return Path(site.layout.deployment("faulty").folder) / "slots" / "a" / "loaded"


def test_a_server_that_the_kernel_kills_for_memory_is_oom_killed(site, cgroup):
    """The proof is the kernel's counter of the server's own cgroup."""
    site.serve_by(f"open('{cgroup.members}', 'w').write('0'); {GREEDY}")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.OOM_KILLED)
    assert "signal 9 (SIGKILL)" in said(host, "exit")
    assert str(cgroup.members.parent) in said(host, "exit")
    assert "oom_kill 0 before, 1 after" in said(host, "exit")


def test_a_person_who_kills_while_the_kernel_kills_another_is_not_oom(site, cgroup):
    """Near miss: memory ran out on this machine, in another process's cgroup."""
    if processes.find_oom_counter(os.getpid()) == "/proc/vmstat":
        pytest.skip("processes here are in no memory cgroup: the kernel counts for the whole machine only")
    other = f"open('{cgroup.members}', 'w').write('0'); held = b'x' * (400 << 20)"
    site.serve_by(
        "import os, signal, subprocess, sys\n"
        f"assert subprocess.run([sys.executable, '-c', {other!r}]).returncode == -9\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.NOT_READY)
    assert "signal 9 (SIGKILL)" == said(host, "exit")


def test_a_run_whose_time_is_over_is_timeout(site):
    """The server would be waited for much longer."""
    site.serve_by(NEVER_READY)

    host = site.launch(timeout_seconds=30.0, ready_timeout_seconds=90.0)

    assert Cause.TIMEOUT == host.cause, host
    began, interrupted, after, allowed = re.search(TIMES, said(host, "task")).groups()
    assert began in said(host, "task")
    assert float(interrupted) + float(after) == pytest.approx(float(allowed), abs=0.3)
    assert 30.0 <= float(allowed)
    assert re.search(
        r"generation 1, attempt 1: pid \d+ worked on it\n.*, step start: slot a started", said(host, "holder")
    )


def test_a_task_that_waits_in_vain_is_not_the_runs_timeout(site):
    """Near miss: Ansible's own words about a time that is over."""
    site.use_tasks("    - name: Wait\n      ansible.builtin.wait_for: {path: /nonexistent, timeout: 1, sleep: 1}\n")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.PLAYBOOK_ERROR)
    assert "Timeout" in said(host, "task")


def test_a_cancel_is_canceled(site):
    """It comes while the new server is waited for."""
    site.serve_by(NEVER_READY)

    host = site.launch(cancel=lambda: state_of(site).exists(), ready_timeout_seconds=50.0)

    assert Cause.CANCELED == host.cause, host
    assert "Bring the deployment to its wanted state (mgmt_deployment)\nbegan " in said(host, "task")
    assert "\nthe run was canceled, " in said(host, "task")
    assert re.search(
        r"generation 1, attempt 1: pid \d+ worked on it\n.*, step start: slot a started", said(host, "holder")
    )


def test_words_about_a_cancel_are_not_one(site):
    """Near miss: nobody canceled."""
    site.use_tasks("    - name: Say\n      ansible.builtin.fail: {msg: the run was canceled}\n")

    assert_cause(site.launch(), Outcome.FAILED, Cause.PLAYBOOK_ERROR)


def test_a_playbook_that_ansible_cannot_read_is_playbook_error(site):
    """The message is Ansible's own."""
    site.use_content("deployment_launch", "- name: Theirs\n  hosts: all\n  tasks: [\n")

    host = site.launch()

    assert_cause(host, Outcome.NOT_RUN, Cause.PLAYBOOK_ERROR)
    assert "YAML" in host.message


def test_an_undefined_variable_is_playbook_error(site):
    """The message names it."""
    site.use_tasks('    - name: Show\n      ansible.builtin.debug: {msg: "{{ nobody_defines_this }}"}\n')

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.PLAYBOOK_ERROR)
    assert "nobody_defines_this" in host.message


def test_an_ansible_that_somebody_kills_is_unknown(site):
    """Near miss: it ends like a playbook that it cannot read, yet it did not end by itself; its module may have gone on."""
    site.serve_by(NEVER_READY)

    host = site.launch(cancel=lambda: kill_ansible(site), ready_timeout_seconds=30.0)

    assert_cause(host, Outcome.UNKNOWN, Cause.UNKNOWN)
    assert "a signal ended Ansible" in said(host, "task")


def kill_ansible(site: FaultSite) -> bool:
    """Kill the ansible-playbook of this very test once our module works; nobody cancels."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children") if state_of(site).exists() else ()
    for pid in (int(pid) for path in children for pid in path.read_text().split()):
        if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    return False


def test_a_module_that_is_killed_is_unknown(site):
    """It may have changed the host, and nobody can tell."""
    fence = Path(site.layout.deployment("faulty").folder) / "fence.json"
    site.serve_by(
        f"import json, os, signal\nos.kill(json.load(open('{fence}'))['holder']['pid'], signal.SIGKILL)\n" + NEVER_READY
    )

    host = site.launch(ready_timeout_seconds=50.0)

    assert_cause(host, Outcome.UNKNOWN, Cause.UNKNOWN)


def test_a_killed_module_does_not_speak_through_a_server(site):
    """Near miss of each cause: what a server shouts on its way is none, however well its words are known."""
    fence = Path(site.layout.deployment("faulty").folder) / "fence.json"
    site.serve_by(
        "import json, os, signal, sys\n"
        f"for words in {list(WORDS.values())!r}:\n"
        "    print(words, flush=True)\n"
        f"os.kill(json.load(open('{fence}'))['holder']['pid'], signal.SIGKILL)\n"
        "os.write(2, b'Killed\\n')\n"
    )

    assert_cause(site.launch(ready_timeout_seconds=50.0), Outcome.UNKNOWN, Cause.UNKNOWN)
