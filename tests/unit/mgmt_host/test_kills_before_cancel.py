"""A replace that is killed just before any touch of the host, and then canceled instead of finished."""

from __future__ import annotations

import pytest
from mgmt_host.machine import durable_files

from tests.unit.mgmt_host import killing

pytestmark = pytest.mark.timeout(900)
LEAST_POINTS = killing.least(whole=34, sampled=12)


def test_a_cancel_leaves_the_recorded_model_serving(host):
    """Wherever the replace died: what state.json names serves, alone, and the answer says so."""
    packages = host.make_cheap()
    with killing.Performer() as performer:
        performer.perform(host.parameters("deployment_launch", 1, packages[0]))

        def ask(point):
            return host.parameters("deployment_replace_model", point + 1, packages[point % 2])

        def finish(asked, became):
            said = performer.perform({**asked, "action": "deployment_cancel"})["result"]
            recorded = durable_files.read_json(host.own().state)["live"]["generation"]
            assert recorded == said["identity"]["generation"], (became, said)
            assert (recorded != asked["generation"]) == said["old_model_in_use"], (became, said)
            assert recorded == killing.served_generation(said["identity"]["port"]), became
            killing.require_alone(host, became)

        assert killing.kill_everywhere(performer, ask, finish) > LEAST_POINTS
