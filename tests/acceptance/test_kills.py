"""A few rounds of `scripts/kills`; the whole is too long for every change."""

from __future__ import annotations

import shutil

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import play

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_nothing_is_lost_when_agents_and_modules_are_killed():
    """A module at launch, one at the switch, and an agent with its result, judged by the hosts; behind a proxy if there can be one."""
    traffic = "haproxy" if shutil.which("haproxy") else "none"
    said = play("tests.kills", "--small", "--traffic", traffic)

    assert said.endswith("kills: 3 rounds, lost 0, doubled 0, strays 0, wrong 0\n")
