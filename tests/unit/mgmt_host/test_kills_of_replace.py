"""A replace that is killed just before any touch of the host."""

from __future__ import annotations

import pytest

from tests.unit.mgmt_host import killing

pytestmark = pytest.mark.timeout(900)
LEAST_POINTS = killing.least(whole=26, sampled=12)


def test_the_next_attempt_finishes_a_replace_killed_anywhere(host):
    """The wanted model serves on the stable port, alone; until then the old one does or nobody, and a look says which."""
    packages = host.make_cheap()
    with killing.Performer() as performer:
        first = performer.perform(host.parameters("deployment_launch", 1, packages[0]))["result"]

        def ask(point):
            return host.parameters("deployment_replace_model", point + 1, packages[point % 2])

        def finish(asked, became):
            killing.require_honest_look(host, asked)
            again = performer.perform({**asked, "attempt": 2})
            killing.require_serving(host, again, asked["generation"], became)
            assert first["identity"]["port"] == again["result"]["identity"]["port"], became

        assert killing.kill_everywhere(performer, ask, finish) > LEAST_POINTS
