"""One site for each file; every test has a deployment and agents of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.integration.takeovers.sites import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Control plane and host; agents are started by the tests."""
    if find_sshd() is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    made = Site(tmp_path_factory.mktemp("site"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
