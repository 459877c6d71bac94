"""The same kills of a replace where memory is too short for two models: the old one is gone while the new one starts.

Every seventh place, as time is short; `MGMT_ANSIBLE_KILL_EVERY=1` takes all (CONTRIBUTING.md).
"""

from __future__ import annotations

import os

import pytest
from mgmt_host.switching import haproxy

from tests.unit.mgmt_host import killing, test_kills_of_replace

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=["none", "haproxy"])
def host(request, host, monkeypatch):
    """Return a host without a megabyte to spare, of either traffic kind."""
    if request.param == "haproxy" and haproxy.find_program() is None:
        pytest.skip("HAProxy is not on this machine")
    monkeypatch.setenv(killing.EVERY, os.environ.get(killing.EVERY, "7"))
    monkeypatch.setenv("MGMT_ANSIBLE_KILL_TIGHT", "1")  # read by kill_points.py
    host.traffic = request.param
    return host


def test_the_next_attempt_finishes_a_replace_killed_anywhere(host):
    """The wanted model serves on the stable port, alone."""
    test_kills_of_replace.test_the_next_attempt_finishes_a_replace_killed_anywhere(host)
    assert any("stopped first: " in line for line in host.effects())
