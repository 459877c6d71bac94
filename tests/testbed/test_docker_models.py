"""Models in containers of a real Docker, through the roles over ssh."""

from __future__ import annotations

import pytest

from tests.testbed import container_models

pytestmark = pytest.mark.timeout(900)


def test_a_container_has_its_whole_life(docker_host, tmp_path):
    """Its daemon starts it again after a reboot."""
    docker_host.dirty = True
    container_models.whole_life(docker_host, tmp_path)


def test_a_failure_leaves_the_old_model(docker_host, tmp_path):
    """Whose image the package carries."""
    docker_host.dirty = True
    container_models.a_failure_leaves_the_old_model(docker_host, tmp_path)
