"""A frozen agent wakes up after others have done newer work; a file of its own, as it waits for a claim to expire."""

from __future__ import annotations

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import play

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_an_agent_that_wakes_up_late_changes_nothing():
    """It is frozen with its module before the switch; another one takes over and does a newer replace."""
    said = play("tests.kills.outages", "frozen-agent", "--freeze", "both")

    assert "0 effects after the thaw; the newer model serves" in said
