"""Real hosts answer over ssh, break as they are told, and heal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed import fault_checks, faults
from tests.testbed.commands import BedError

pytestmark = pytest.mark.timeout(900)
ANSIBLE = Path(sys.executable).with_name("ansible")
ON_SYSTEMD = ("drop", "cut", "freeze", "disk-full", "read-only", "clock", "off", "reboot", "reset")
ON_PLAIN = ("memory", "kill-sshd", "reset")


def test_a_systemd_host_runs_systemd_and_lets_deploy_become_root(systemd_host):
    """Process 1 is the real one and has booted; on a busy machine a unit that no test needs may lack inotify instances."""
    booted = systemd_host.ssh("systemctl is-system-running --wait", check=False).stdout.strip()
    needed = systemd_host.ssh("systemctl is-active ssh dbus systemd-journald systemd-logind", check=False).stdout
    assert booted in {"running", "degraded"}
    assert ["active"] * 4 == needed.split(), systemd_host.ssh("systemctl --failed --no-legend").stdout
    assert "0" == systemd_host.ssh("sudo -n id -u").stdout.strip()


def test_limits_of_a_unit_are_effective(systemd_host):
    """The inner systemd may set limits, with either version of cgroups."""
    limited = "sudo systemd-run -q --wait -p MemoryMax=50M python3 -c 'bytearray(200 << 20)'"
    assert 0 != systemd_host.ssh(limited, check=False).returncode
    assert 0 == systemd_host.ssh(limited.replace("50M", "500M"), check=False).returncode


def test_a_plain_host_has_neither_systemd_nor_sudo(plain_host):
    """What most accounts on other people's machines look like."""
    assert 127 == plain_host.ssh("systemctl", check=False).returncode
    assert 127 == plain_host.ssh("sudo -n true", check=False).returncode
    assert "deploy" == plain_host.ssh("id -un").stdout.strip()


def test_ansible_reaches_a_host_by_the_written_inventory(systemd_host):
    """From the machine's own network, with host-key checking."""
    state = systemd_host.plan.state
    done = subprocess.run(
        [ANSIBLE, "all", "-i", state / "inventory.yml", "-m", "ping"],
        env={**os.environ, "ANSIBLE_CONFIG": str(state / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "host_key_checking = True" in (state / "ansible.cfg").read_text()


def test_a_host_with_another_key_is_refused(plain_host):
    """Host-key checking is on: an address alone is nobody."""
    known = plain_host.plan.state / "known_hosts"
    right = known.read_text()
    known.write_text(right.replace(right.split()[2], (plain_host.plan.state / "id.pub").read_text().split()[1]))
    try:
        assert "Host key verification failed" in plain_host.ssh("true", check=False).stderr
    finally:
        known.write_text(right)


def test_a_host_has_no_way_out(systemd_host):
    """The hub has no uplink: nothing of a test reaches another network."""
    reach = "python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 2)\""
    assert 0 != systemd_host.ssh(reach, check=False).returncode


@pytest.mark.parametrize("name", ON_SYSTEMD)
def test_a_fault_of_a_systemd_host_bites_and_heals(systemd_host, name):
    """A selection."""
    systemd_host.dirty = name == "disk-full"
    fault_checks.CHECKS[name](systemd_host)


@pytest.mark.parametrize("name", ON_PLAIN)
def test_a_fault_of_a_plain_host_bites_and_heals(plain_host, name):
    """Also where no service manager helps."""
    fault_checks.CHECKS[name](plain_host)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("flood", (), "no fault is named 'flood'"),
        ("loss", (), "write: fault p1 loss PERCENT"),
        ("loss", ("1; flush ruleset",), "PERCENT '1; flush ruleset'"),
        ("disk-full", (), "no disk of its own"),
        ("read-only", ("relative",), "PATH 'relative'"),
        ("clock", ("$(reboot)",), "OFFSET '$(reboot)'"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_is_right(plain_host, name, arguments, said):
    """Nothing was done then."""
    with pytest.raises(BedError) as caught:
        faults.make(plain_host, name, arguments)
    assert said in str(caught.value)
