"""A few rounds of `scripts/kills` and small outages; the whole is too long for every change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def play(module: str, *arguments: str) -> str:
    """Run a script to its end and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_nothing_is_lost_when_agents_and_modules_are_killed():
    """One round of each kind, judged by the hosts."""
    said = play("tests.kills", "--small")

    assert said.endswith("kills: 6 rounds, lost 0, doubled 0, strays 0, wrong 0\n")


def test_reports_wait_for_a_control_plane_that_is_away():
    """The run's own and two hundred more."""
    said = play("tests.kills.outages", "control-plane", "--reports", "200")

    assert "202 of 202 delivered, each once: True, in order: True; the action is succeeded" in said
