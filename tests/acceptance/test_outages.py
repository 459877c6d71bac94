"""A small outage of the control plane, and two cut transfers; `scripts/outages` has the large ones."""

from __future__ import annotations

import re

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import play

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_reports_wait_for_a_control_plane_that_is_away():
    """The run's own (its end, its record, its log) and two hundred more: each once, in order."""
    said = play("tests.kills.outages", "control-plane", "--reports", "200")

    delivered = re.search(
        r"(\d+) of (\d+) delivered, in order: True; they caused 1 end and 1 run; the action is succeeded", said
    )
    assert delivered is not None, said
    assert delivered[1] == delivered[2]
    assert 202 < int(delivered[1])


def test_a_package_whose_transfer_is_cut_arrives_whole():
    """One round at a random moment: nothing half under the final name, nothing left, and the model serves."""
    said = play("tests.kills.outages", "transfer", "--rounds", "1")

    assert said.endswith("transfer: 1 rounds, half files 0, wrong digests 0\n")
