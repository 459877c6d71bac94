"""The same kills for a deployment behind its own HAProxy: each word to the proxy is one more place to die before.

Every fifth place, as time is short; `MGMT_ANSIBLE_KILL_EVERY=1` takes all (CONTRIBUTING.md).
"""

from __future__ import annotations

import os

import pytest
from mgmt_host.switching import haproxy

from tests.unit.mgmt_host import (
    killing,
    test_kills_before_cancel,
    test_kills_of_launch,
    test_kills_of_replace,
    test_kills_of_stop,
)

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(haproxy.find_program() is None, reason="HAProxy is not on this machine"),
]


@pytest.fixture
def host(host, monkeypatch):
    """Return a host whose deployments get a proxy each."""
    monkeypatch.setenv(killing.EVERY, os.environ.get(killing.EVERY, "5"))
    host.traffic = "haproxy"
    return host


@pytest.mark.parametrize(
    "story",
    [
        test_kills_of_launch.test_the_next_attempt_finishes_a_launch_killed_anywhere,
        test_kills_of_replace.test_the_next_attempt_finishes_a_replace_killed_anywhere,
        test_kills_of_stop.test_the_next_attempt_finishes_a_stop_killed_anywhere,
        test_kills_before_cancel.test_a_cancel_leaves_the_recorded_model_serving,
    ],
)
def test_behind_a_proxy_too(host, story):
    """Killed anywhere, whoever comes next makes it right."""
    story(host)
