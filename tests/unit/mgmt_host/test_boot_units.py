"""Units for containers of podman: their text. `scripts/containers` reboots real hosts with them."""

from __future__ import annotations

import subprocess

import pytest
from mgmt_host.running import boot_units


def test_a_unit_stops_its_container_within_the_deployments_time():
    """And systemd gives podman half a minute more for its own work; no scope is named, or it could not be made anew."""
    text = boot_units.render("mgmt-ansible-x-d1-a", "/usr/bin/podman", 7.0)

    assert "\nExecStart=/usr/bin/podman start mgmt-ansible-x-d1-a\n" in text
    assert "\nExecStop=/usr/bin/podman stop --time 7 mgmt-ansible-x-d1-a\n" in text
    assert {"RemainAfterExit=yes", "TimeoutStopSec=37"} <= set(text.splitlines())
    assert ".scope" not in text


class Manager:
    """Notes what it is told, and answers nothing in time."""

    def __init__(self):
        self.told = []

    def write(self, unit, text, at_boot):
        """Note it."""
        self.told.append(("write", unit, at_boot))

    def remove(self, unit):
        """Note it; there was one."""
        self.told.append(("remove", unit))
        return True

    def call(self, *words, check):
        """Note it, and take too long."""
        self.told.append(words)
        raise subprocess.TimeoutExpired(words, 60)


@pytest.mark.parametrize("at_boot", [True, False])
def test_a_unit_is_active_from_the_launch_on(monkeypatch, at_boot):
    """Also one that no boot starts: what it is for is the stop. A systemd that is slow to answer fails no launch."""
    manager = Manager()
    monkeypatch.setattr(boot_units, "can_enable", lambda: True)
    monkeypatch.setattr(boot_units, "_manager", lambda: manager)
    boot_units.enable("c1", "/usr/bin/podman", 7.0, at_boot=at_boot)
    assert boot_units.disable("c1")
    boot_units.end("c1")

    unit = "c1.service"
    assert [("write", unit, at_boot), ("start", unit), ("remove", unit), ("stop", unit)] == manager.told


def test_without_systemd_there_is_no_unit(monkeypatch):
    """The line in the crontab does it."""
    manager = Manager()
    monkeypatch.setattr(boot_units, "can_enable", lambda: False)
    monkeypatch.setattr(boot_units, "_manager", lambda: manager)
    boot_units.enable("c1", "/usr/bin/podman", 7.0, at_boot=True)

    assert [] == manager.told
