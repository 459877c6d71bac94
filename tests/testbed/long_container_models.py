"""`scripts/containers`: what containers do on real engines that costs too much for every run of the suite."""

from __future__ import annotations

import pytest

from tests.testbed import container_models, containers

pytestmark = pytest.mark.timeout(1800)


def test_docker_as_root_serves_many_in_one(docker_host, tmp_path):
    """The forwarders are hardened units of systemd."""
    container_models.many_in_one(docker_host, tmp_path, become=True)


def test_podman_as_root_has_its_whole_life(podman_host, tmp_path):
    """A unit of the service manager starts it again after a reboot."""
    container_models.whole_life(podman_host, tmp_path, become=True)


def test_podman_as_root_leaves_the_old_model_after_a_failure(podman_host, tmp_path):
    """Out of memory is told with version 1 of cgroups, too."""
    container_models.a_failure_leaves_the_old_model(podman_host, tmp_path, become=True)


def test_podman_as_root_stops_in_order_at_a_reboot(podman_host, tmp_path):
    """Without its unit's own stop, systemd would wait 90 s."""
    container_models.a_reboot_waits_for_no_deaf_server(podman_host, tmp_path, become=True)


def test_podman_without_root_stops_in_order_at_a_reboot(podman_host, tmp_path):
    """By the account's own manager."""
    podman_host.ssh(f"sudo podman save -q {containers.IMAGE} | podman load -q", seconds=180)
    container_models.a_reboot_waits_for_no_deaf_server(podman_host, tmp_path)


def test_podman_as_root_serves_many_in_one(podman_host, tmp_path):
    """As Docker does."""
    container_models.many_in_one(podman_host, tmp_path, become=True)


def test_podman_without_root_serves_many_in_one(podman_host, tmp_path):
    """What the container's account wrote is removed, too."""
    podman_host.ssh(f"sudo podman save -q {containers.IMAGE} | podman load -q", seconds=180)
    container_models.many_in_one(podman_host, tmp_path)


def test_podman_without_root_has_its_whole_life(podman_host, tmp_path):
    """With a manager of its own that starts at boot."""
    podman_host.ssh(f"sudo podman save -q {containers.IMAGE} | podman load -q", seconds=180)
    container_models.whole_life(podman_host, tmp_path)


def test_docker_without_root_serves_many_in_one(docker_host, tmp_path):
    """The portable prediction server's look-alike."""
    container_models.many_in_one(docker_host, tmp_path)
