"""Room for two copies of a model: what is free and what is taken are read from the kernel, and the way follows."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from mgmt_host.actions import capacity
from mgmt_host.machine import processes

MEGABYTE = 1 << 20
EATER = "import sys, time; block = b'x' * int(sys.argv[1]); print('ready', flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("way", "free", "taken"),
    [
        ("side_by_side", 200, 100),
        ("side_by_side", 111, 100),
        ("stop_first", 109, 100),
        ("side_by_side", None, 100),
        ("side_by_side", 100, None),
    ],
)
def test_the_old_model_is_stopped_first_only_when_memory_is_known_to_be_short(way, free, taken):
    """What the running model takes, and a tenth more."""
    sizes = [None if size is None else size * MEGABYTE for size in (free, taken)]
    assert way == capacity.choose_way(*sizes).name


def test_the_reason_has_the_figures():
    """People read it before they agree to a downtime."""
    said = capacity.choose_way(1500 * MEGABYTE, 2000 * MEGABYTE).why
    assert "a copy of the running model takes 2,200 MB, 1,500 MB of memory are free" == said


def test_a_servers_footprint_is_that_of_its_whole_family():
    """A child that holds the model counts as the server's."""
    shell = f'"{sys.executable}" -c "$1" {64 * MEGABYTE}; true'
    command = ["sh", "-c", shell, "sh", EATER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        found = capacity.footprint(processes.find_mark(server.pid))
        os.killpg(server.pid, 9)
    assert 64 * MEGABYTE < found < 164 * MEGABYTE


def test_nobody_can_tell_the_footprint_of_what_does_not_run():
    """None is not zero: nothing is concluded from it."""
    assert capacity.footprint(None) is None


def test_what_is_free_is_no_more_than_the_kernel_says_is_available():
    """A cgroup's limit may make it less."""
    with open("/proc/meminfo") as stream:  # noqa: PTH123 - as short as it gets
        total = next(int(line.split()[1]) * 1024 for line in stream if line.startswith("MemTotal:"))
    assert 0 < capacity.free_memory() <= total


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ({"memory.max": "1000", "memory.current": "900", "memory.stat": "anon 5\ninactive_file 300\n"}, 400),
        ({"memory.max": "max", "memory.current": "900"}, None),
        ({"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "1200"}, 0),
        ({"memory.limit_in_bytes": "9223372036854771712", "memory.usage_in_bytes": "1"}, None),
        ({"memory.max": "many", "memory.current": ""}, None),
        ({}, None),
    ],
)
def test_a_cgroups_room_is_its_limit_less_what_is_used_and_not_cache(tmp_path, names, left):
    """Both versions; what is not there or no number is no limit."""
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    assert left == capacity._left_in(str(tmp_path))


def test_the_tightest_limit_counts(monkeypatch):
    """Whether the machine's or a cgroup's, anywhere above."""
    rooms = {"/own": None, "/parent": 50, "/": 70}
    monkeypatch.setattr(capacity, "_available", lambda: 100)
    monkeypatch.setattr(capacity, "_memory_cgroups", lambda: rooms)
    monkeypatch.setattr(capacity, "_left_in", rooms.get)
    assert 50 == capacity.free_memory()


@pytest.mark.parametrize(
    ("rows", "folders"),
    [
        ("0::/a/b\n", ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"]),
        ("4:cpu:/c\n3:hugetlb,memory:/c\n", ["/sys/fs/cgroup/memory/c", "/sys/fs/cgroup/memory"]),
        ("nonsense\n", []),
    ],
)
def test_a_limit_may_be_set_at_every_cgroup_above(monkeypatch, rows, folders):
    """In both versions."""
    monkeypatch.setattr(capacity, "open", lambda *_, **__: io.StringIO(rows), raising=False)
    assert folders == list(capacity._memory_cgroups())
