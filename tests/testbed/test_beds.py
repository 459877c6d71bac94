"""A testbed is made twice, beside another, and after its maker was killed; and nothing of it is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest
import requests

from tests.testbed import beds, cgroups, plans
from tests.testbed.commands import BedError, wait_until

pytestmark = pytest.mark.timeout(900)


def command_line(bed_id, state, *words):
    """Run `python -m tests.testbed` as people do; return code and output."""
    command = [sys.executable, "-m", "tests.testbed", words[0], "--id", bed_id, "--state", state, *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=plans.ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def place(make_bed):
    """An id and a state folder of this test; taken down at the end."""
    bed_id = f"b{os.getpid()}"
    state = plans.default_state(bed_id)
    yield bed_id, state
    beds.down(bed_id, state, beds.tell_stderr)


def test_two_beside_each_other_keep_apart_and_nothing_is_left(make_bed, place):
    """Loopback networks differ; ending one leaves the other; the list at the end is empty."""
    other = make_bed("p1:plain").hosts["p1"]
    code, said = command_line(*place, "up", "p1:plain", "p2:plain")
    one = beds.Bed.at(place[1]).hosts["p1"]
    during = beds.leftovers(*place)
    again = command_line(*place, "up", "p1:plain")
    listed = command_line(*place, "ls")
    ended = command_line(*place, "down")

    assert 0 == code, said
    assert one.address != other.address
    assert ["processes", "network namespaces", "mounts", "cgroups", "files"] == [
        kind for kind in during if during[kind]
    ]
    assert (1, True) == (again[0], "already up" in again[1]), again
    assert ["p1", "p2"] == [line.split()[0] for line in listed[1].splitlines()]
    assert (0, ["0"] * 6) == (ended[0], [line.split(": ")[1] for line in ended[1].splitlines()]), ended
    assert "still" == other.ssh("echo still").stdout.strip()


def test_a_forwarded_port_is_reached_from_the_machines_own_network(place):
    """As a browser would: same port, the host's loopback address."""
    code, said = command_line(*place, "up", "--forward", "8001", "p1:plain")
    assert 0 == code, said
    host = beds.Bed.at(place[1]).hosts["p1"]
    host.ssh("echo hello >page; nohup python3 -m http.server 8001 >/dev/null 2>&1 &")
    wait_until(lambda: host.ssh("ss -ltnH 'sport = :8001'").stdout, "the server on the host")

    assert "hello\n" == requests.get(f"http://{host.address}:8001/page", timeout=30).text


def test_after_its_maker_was_killed_half_way_it_is_refused_taken_down_and_made_again(place):
    """kill -9 as soon as the first process of the testbed runs."""
    bed_id, state = place
    command = [sys.executable, "-m", "tests.testbed", "up", "--id", bed_id, "--state", state, "p1:plain"]
    with subprocess.Popen(command, cwd=plans.ROOT) as maker:
        wait_until(
            lambda: cgroups.processes(plans.label_of(bed_id)) or maker.poll() is not None, "the first process", 1200
        )
        maker.send_signal(signal.SIGKILL)
    refused = command_line(*place, "up", "p1:plain")
    ended = command_line(*place, "down")
    made = command_line(*place, "up", "p1:plain")

    assert (1, True) == (refused[0], "left half-way" in refused[1]), refused
    assert 0 == ended[0], ended
    assert 0 == made[0], made


def test_without_its_state_it_is_found_by_its_names(make_bed, place):
    """Somebody cleaned temporary files: `down` needs the id only."""
    assert 0 == command_line(*place, "up", "p1:plain")[0]
    shutil.rmtree(place[1])

    assert 0 == command_line(*place, "down")[0]
    assert [] == cgroups.processes(plans.label_of(place[0]))


def test_a_folder_that_holds_something_else_is_not_touched(make_bed, tmp_path):
    """Neither to make a testbed in it, nor to take one down."""
    (tmp_path / "precious").touch()
    plan = plans.Plan(id="precious", state=tmp_path, cache=tmp_path, hosts=plans.parse_hosts(("p1:plain",)))
    with pytest.raises(BedError, match="holds something else"):
        beds.up(plan, beds.tell_stderr)
    beds.down("precious", tmp_path, beds.tell_stderr)

    assert (tmp_path / "precious").exists()


def test_the_folder_of_another_testbed_is_refused(make_bed, tmp_path):
    """An id that was mistyped beside a right folder."""
    plan = plans.Plan(id="right", state=tmp_path, cache=tmp_path, hosts=plans.parse_hosts(("p1:plain",)))
    plan.save()
    with pytest.raises(BedError, match="is of testbed right"):
        beds.down("wrong", tmp_path, beds.tell_stderr)

    assert plan == plans.load(tmp_path)
