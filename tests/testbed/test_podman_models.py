"""Models in containers of a real Podman, through the roles over ssh."""

from __future__ import annotations

import pytest

from tests.testbed import container_models, containers

pytestmark = pytest.mark.timeout(900)


def test_a_container_has_its_whole_life(podman_host, tmp_path):
    """A unit of the service manager starts it again after a reboot."""
    podman_host.dirty = True
    container_models.whole_life(podman_host, tmp_path, become=True)


def test_a_failure_leaves_the_old_model(podman_host, tmp_path):
    """Whose image the package carries."""
    podman_host.dirty = True
    container_models.a_failure_leaves_the_old_model(podman_host, tmp_path, become=True)


def test_a_container_of_an_account_without_root_has_its_whole_life(podman_host, tmp_path):
    """Rootless, with a manager of its own that starts at boot."""
    podman_host.dirty = True
    podman_host.ssh(f"sudo podman save -q {containers.IMAGE} | podman load -q", seconds=180)
    container_models.whole_life(podman_host, tmp_path)
