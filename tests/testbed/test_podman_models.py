"""Models in containers of a real Podman without root, through the roles over ssh; see `scripts/containers` for the rest."""

from __future__ import annotations

import pytest

from tests.testbed import container_models, containers

pytestmark = pytest.mark.timeout(900)


def test_a_container_of_an_account_without_root_has_its_whole_life(podman_host, tmp_path):
    """With a manager of its own that starts at boot."""
    podman_host.ssh(f"sudo podman save -q {containers.IMAGE} | podman load -q", seconds=180)
    container_models.whole_life(podman_host, tmp_path)
