"""Units for containers of podman: their text. `scripts/containers` reboots real hosts with them."""

from __future__ import annotations

from mgmt_host.running import boot_units


def test_a_unit_stops_its_container_within_the_deployments_time():
    """And systemd gives podman half a minute more for its own work; no scope is named, or it could not be made anew."""
    text = boot_units.render("mgmt-ansible-x-d1-a", "/usr/bin/podman", 7.0)

    assert "\nExecStart=/usr/bin/podman start mgmt-ansible-x-d1-a\n" in text
    assert "\nExecStop=/usr/bin/podman stop --time 7 mgmt-ansible-x-d1-a\n" in text
    assert {"RemainAfterExit=yes", "TimeoutStopSec=37"} <= set(text.splitlines())
    assert ".scope" not in text
