"""Units as text, their hooks, and when there are any: without systemd; `tests/testbed` has the real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mgmt_host import failures
from mgmt_host.journal import Journal
from mgmt_host.machine import processes
from mgmt_host.running import boot, carriers, supervision, systemd_manager, systemd_units, unit_hooks
from mgmt_host.running.carrying import Place

NO_SYSTEMD = pytest.mark.skipif(systemd_manager.is_here(), reason="systemd is process 1 here, and would get units")


@pytest.fixture
def place(host):
    """Return slot a of d1, started in this boot by a user's unit."""
    made = Place("a", host.own().slot("a"))
    made.configure({"carrier": "systemd_user", "boot_id": processes.boot_id()})
    return made


def unit(place, **changes):
    """Return the lines of its system unit."""
    config = {"program_dir": "/usr", "port": 8080, "reads": ["/usr"], **changes}
    return systemd_units.render(place, config, f"{place.folder}/inside", user=False).splitlines()


def end(place, code, status, result="exit-code"):
    """Run the hook as systemd does after an end."""
    told = {"EXIT_CODE": code, "EXIT_STATUS": status, "SERVICE_RESULT": result}
    program = "import sys; from mgmt_host.running import unit_hooks; unit_hooks.end(sys.argv[1])"
    path = str(Path(unit_hooks.__file__).parents[2])
    command = [sys.executable, "-c", program, place.folder]
    subprocess.run(command, check=True, env={**os.environ, **told, "PYTHONPATH": path})
    return unit_hooks.read_record(place)


def test_a_system_unit_has_no_capability_and_an_account_of_its_own(place):
    """And sees nothing of the base directory but what it reads."""
    lines = unit(place)

    assert {"CapabilityBoundingSet=", "DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(lines)
    assert f"TemporaryFileSystem={Path(place.folder).parents[3]}/packages:ro" in lines
    assert "BindReadOnlyPaths=/usr" in lines


def test_a_low_port_brings_the_one_capability_that_it_takes(place):
    """As 80 and 443."""
    lines = unit(place, port=80)

    assert {f"{name}=CAP_NET_BIND_SERVICE" for name in ("CapabilityBoundingSet", "AmbientCapabilities")} <= set(lines)


def test_what_only_root_may_read_takes_a_root_without_capabilities(place, tmp_path):
    """An environment that an earlier version built under a strict umask."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    lines = unit(place, reads=[str(closed)])

    assert "DynamicUser=yes" not in lines
    assert "CapabilityBoundingSet=" in lines


def test_a_unit_always_sees_the_program_that_its_hooks_are(place):
    """Also where nothing else is read, as by a proxy."""
    assert "BindReadOnlyPaths=/opt/program" in unit(place, program_dir="/opt/program", reads=[])


def test_two_base_directories_have_units_of_their_own(place):
    """A rehearsal beside the real deployment."""
    other = Place("a", place.folder.replace("/base/", "/other/"))

    assert systemd_units.name(place) != systemd_units.name(other)


def test_the_hook_before_a_first_start_does_not_wait(place):
    """And remembers how far the kernel has counted."""
    assert 0 == unit_hooks.begin(place.folder)
    assert {"began", "boot_id", "oom_count", "oom_counter"} == set(unit_hooks.read_record(place))


def test_ends_are_counted_and_the_waits_grow(place):
    """0.5 s, 1 s, 2 s, as the supervisor does."""
    unit_hooks.begin(place.folder)
    seen = [end(place, "exited", "3") for _ in range(3)]

    assert [(1, 0.5), (2, 1.0), (3, 2.0)] == [(one["exits"], one["wait_seconds"]) for one in seen]
    assert {"code": 3, "out_of_memory": False, "stopped": False} == seen[-1]["last_exit"]


def test_an_end_for_memory_is_told(place):
    """systemd says so with cgroups of version 2."""
    last = end(place, "killed", "KILL", "oom-kill")["last_exit"]

    assert (-signal.SIGKILL, True) == (last["code"], last["out_of_memory"])
    assert "Result=oom-kill" in last["oom_proof"]


def test_ends_of_an_earlier_boot_do_not_count(place):
    """Shutting down ends servers, too."""
    Path(place.path("exits.json")).write_text(json.dumps({"boot_id": "earlier", "exits": 9}))

    assert {} == unit_hooks.read_record(place)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ({"wanted": "running", "live": {"slot": "a"}}, True),
        ({"wanted": "running", "live": {"slot": "b"}}, False),
        ({"wanted": "stopped", "live": None}, False),
        ({}, False),
    ],
)
def test_at_a_boot_only_the_live_slot_begins(place, state, wanted):
    """A killed run's candidate is enabled as well."""
    Path(place.folder).parents[1].joinpath("state.json").write_text(json.dumps(state))

    assert wanted is unit_hooks.is_wanted(place)


def test_a_server_that_cannot_be_started_says_why(place, capsys):
    """In the journal, and as an exit."""
    place.configure({"command": ["/nowhere"], "environment": {}})

    assert 127 == unit_hooks.run(place.folder)
    assert "/nowhere" in capsys.readouterr().out


@NO_SYSTEMD
def test_without_systemd_servers_are_processes(host):
    """As they were before there were carriers."""
    assert "process" == supervision.choose("auto", host.layout, Journal(None, (0, 0)))


@NO_SYSTEMD
def test_where_systemd_is_asked_for_and_missing_the_work_fails(host):
    """With the reason."""
    with pytest.raises(failures.HostError, match="not process 1") as caught:
        supervision.choose("systemd", host.layout, Journal(None, (0, 0)))

    assert "dependency" == caught.value.cause


def test_a_deployment_whose_carrier_comes_back_needs_no_crontab_line(host):
    """Its unit is enabled."""
    Path(host.own().slot("a")).mkdir(parents=True)
    Path(host.own().slot("a"), "slot.json").write_text('{"carrier": "systemd"}')
    Path(host.own().state).write_text('{"wanted": "running", "live": {"slot": "a"}}')

    assert boot.arrange(host.own(), host.layout, Journal(None, (0, 0)))
    assert 0 == boot.start_all(host.base_dir)
    assert carriers.ROWS["systemd"].comes_back
