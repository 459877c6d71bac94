"""A stop that is killed just before any touch of the host."""

from __future__ import annotations

import pytest

from tests.unit.mgmt_host import killing

pytestmark = pytest.mark.timeout(900)
LEAST_POINTS = killing.least(whole=12, sampled=6)


def test_the_next_attempt_finishes_a_stop_killed_anywhere(host):
    """Nothing runs, nothing is left but the tombstone."""
    package = host.make_cheap()[0]
    with killing.Performer() as performer:

        def ask(point):
            performer.perform(host.parameters("deployment_launch", 2 * point, package))
            return host.parameters("deployment_stop", 2 * point + 1)

        def finish(asked, became):
            killing.require_honest_look(host, asked)
            assert performer.perform({**asked, "attempt": 2})["result"]["outcome"] in ("ok", "changed"), became
            killing.require_stopped(host, became)

        assert killing.kill_everywhere(performer, ask, finish) > LEAST_POINTS
