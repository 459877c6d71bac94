"""The same kills of a replace where memory is too short for two models: the old one is gone while the new one starts.

Every fifth place, as time is short; `MGMT_ANSIBLE_KILL_EVERY=1 scripts/test tests/unit/mgmt_host/test_kills_where_two_do_not_fit.py`
takes all of them.
"""

from __future__ import annotations

import os

import pytest
from mgmt_host import haproxy

from tests.unit.mgmt_host import test_kills_of_replace

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=["none", "haproxy"])
def host(request, host, monkeypatch):
    """Return a host without a megabyte to spare, of either traffic kind."""
    if request.param == "haproxy" and haproxy.find_program() is None:
        pytest.skip("HAProxy is not on this machine")
    monkeypatch.setenv("MGMT_ANSIBLE_KILL_EVERY", os.environ.get("MGMT_ANSIBLE_KILL_EVERY", "5"))
    monkeypatch.setenv("MGMT_ANSIBLE_KILL_TIGHT", "1")  # read by kill_points.py
    host.traffic = request.param
    return host


def test_the_next_attempt_finishes_a_replace_killed_anywhere(host):
    """The wanted model serves on the stable port, alone."""
    test_kills_of_replace.test_the_next_attempt_finishes_a_replace_killed_anywhere(host)
    assert any("stopped first: " in line for line in host.effects())
