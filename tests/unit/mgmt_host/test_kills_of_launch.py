"""A first launch that is killed just before any touch of the host."""

from __future__ import annotations

import pytest

from tests.unit.mgmt_host import killing

pytestmark = pytest.mark.timeout(900)
LEAST_POINTS = killing.least(whole=14, sampled=10)


def test_the_next_attempt_finishes_a_launch_killed_anywhere(host):
    """The model serves once, and the next launch starts from a tombstone again."""
    package = host.make_cheap()[0]
    with killing.Performer() as performer:

        def ask(point):
            return host.parameters("deployment_launch", point, package, deployment_id=f"d{point}")

        def finish(asked, became):
            name = asked["deployment_id"]
            again = performer.perform({**asked, "attempt": 2})
            killing.require_serving(host, again, asked["generation"], became, name)
            performer.perform({**asked, "action": "deployment_stop", "generation": asked["generation"] + 1})
            killing.require_stopped(host, became, name)

        assert killing.kill_everywhere(performer, ask, finish) > LEAST_POINTS


def test_a_stop_ends_a_launch_killed_anywhere(host):
    """Also what was started and not yet told of; nothing is left but the tombstone."""
    package = host.make_cheap()[0]
    with killing.Performer() as performer:

        def ask(point):
            return host.parameters("deployment_launch", 2 * point, package)

        def finish(asked, became):
            performer.perform({**asked, "action": "deployment_stop", "generation": asked["generation"] + 1})
            killing.require_stopped(host, became)

        assert killing.kill_everywhere(performer, ask, finish) > LEAST_POINTS
