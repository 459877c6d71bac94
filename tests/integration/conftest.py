"""A loopback host as a prediction environment: real sshd, real Ansible, no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.quickstart.loopback import LoopbackHost, find_sshd
from tests.integration.loopback_runs import ENVIRONMENT


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHost]:
    """One sshd for the whole session."""
    if find_sshd() is None:
        pytest.skip("sshd is missing")
    with LoopbackHost(tmp_path_factory.mktemp("sshd")) as host:
        yield host


@pytest.fixture
def binding(loopback: LoopbackHost, tmp_path: Path) -> EnvironmentBinding:
    """The loopback host as an environment with a base directory of its own."""
    base_dir = tmp_path / "base"
    base_dir.mkdir()
    return EnvironmentBinding(environment_id=ENVIRONMENT, inventory=loopback.inventory, base_dir=str(base_dir))
