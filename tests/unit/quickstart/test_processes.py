"""Processes known by pid and start time."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from mgmt_ansible.quickstart import processes

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); child.wait()"


@pytest.fixture
def start():
    """Starts Python programs that print a line when they run; they are gone afterwards."""
    started = []

    def run(program):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout.readline()
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_process_is_asked_to_end(start):
    """SIGTERM is enough for those that listen."""
    mark = processes.mark_process(start(SLEEPER).pid)

    assert processes.stop_process(mark)
    assert not mark.alive


def test_a_stubborn_process_is_killed(start):
    """After the grace, SIGKILL."""
    mark = processes.mark_process(start(STUBBORN).pid)

    processes.stop_process(mark, grace_seconds=0.1)

    assert not mark.alive


def test_another_process_with_the_same_pid_is_left_alone(start):
    """The start time tells them apart."""
    process = start(SLEEPER)
    other = processes.ProcessMark(pid=process.pid, start_time=1)

    assert not processes.stop_process(other)
    assert process.poll() is None


def test_descendants_do_not_outlive_the_tree(start):
    """Even one that ignores SIGTERM and whose parent is gone."""
    parent = processes.mark_process(start(PARENT).pid)
    children = processes.list_descendants(parent.pid)

    processes.stop_tree(parent)

    assert 1 == len(children)
    assert not children[0].alive


def test_a_zombie_does_not_live():
    """It holds nothing any more."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    deadline = time.monotonic() + 60
    while (mark := processes.mark_process(process.pid)) is not None and time.monotonic() < deadline:
        pass
    process.wait()

    assert mark is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": "x", "start_time": 1}', '{"pid": 1}', "\x00", "null"])
def test_a_broken_mark_is_no_mark(tmp_path, content):
    """A killed writer leaves whole files or none; anything else is not trusted."""
    (tmp_path / "mark.json").write_text(content)

    assert processes.find_mark(tmp_path / "mark.json") is None


def test_a_mark_survives_its_file(tmp_path):
    """What is written is what is read."""
    mark = processes.ProcessMark(pid=5, start_time=7)

    processes.write_mark(tmp_path / "mark.json", mark)

    assert mark == processes.find_mark(tmp_path / "mark.json")
