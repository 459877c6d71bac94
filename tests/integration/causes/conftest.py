"""A site of its own for each test of a cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.causes.fault_site import FaultSite


@pytest.fixture
def site(loopback: LoopbackHost, tmp_path: Path) -> Iterator[FaultSite]:
    """A host that works until the test breaks it."""
    made = FaultSite(tmp_path, loopback)
    made.lend_environment()
    yield made
    made.stop_all()
