"""Models in containers of a real Docker, through the roles over ssh; see `scripts/containers` for the rest."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.environments import Traffic
from tests.testbed import container_models

pytestmark = pytest.mark.timeout(900)


def test_a_container_has_its_whole_life(docker_host, tmp_path):
    """Its daemon starts it again after a reboot; a proxy before it would need root or a crontab for that."""
    container_models.whole_life(docker_host, tmp_path, traffic=Traffic.NONE)


def test_a_failure_leaves_the_old_model(docker_host, tmp_path):
    """Whose image the package carries."""
    container_models.a_failure_leaves_the_old_model(docker_host, tmp_path)
