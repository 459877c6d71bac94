"""An agent and its scripted surroundings, for tests of the whole way of an action."""

from __future__ import annotations

import threading
import time

from mgmt_ansible import errors
from mgmt_ansible.agent.loops import Agent
from mgmt_ansible.agent.performing import Performer
from mgmt_ansible.agent.reporting import Reporter
from mgmt_ansible.agent.shutdowns import Shutdown
from mgmt_ansible.agent.snapshots import Snapshots
from mgmt_ansible.domain.reports import AgentHello
from tests.unit.agent.scripted import (
    ENVIRONMENT,
    FixedClock,
    ListSpool,
    ScriptedCache,
    ScriptedControlPlane,
    ScriptedInventory,
    ScriptedPlugin,
)

DEADLINE_SECONDS = 60.0


class PausingClock(FixedClock):
    """Sleeps until the agent shall stop."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def sleep(self, seconds: float) -> None:
        self._stop.wait(DEADLINE_SECONDS)


class World:
    """An agent and its scripted surroundings."""

    def __init__(
        self, claims=(), *, plugin=None, cache=None, beat=None, greetings=(), inventory=None, grace=30.0, spool=None
    ):
        self.stop = threading.Event()
        self.clock = FixedClock()
        self.pause = PausingClock(self.stop)
        self.spool = spool or ListSpool()
        self.cache = cache or ScriptedCache()
        self.control_plane = ScriptedControlPlane(claims, stop=self.stop, greetings=greetings, beat=beat)
        reporter = Reporter(spool=self.spool, clock=self.clock)
        self.agent = Agent(
            hello=AgentHello(instance_id="1", version="0", environment_ids=(ENVIRONMENT,)),
            control_plane=self.control_plane,
            performer=Performer(
                plugin=plugin or ScriptedPlugin(), cache=self.cache, reporter=reporter, clock=self.clock
            ),
            reporter=reporter,
            snapshots=Snapshots(
                environment_ids=(ENVIRONMENT,),
                inventory=inventory or ScriptedInventory(error=errors.InventoryError("none")),
                spool=self.spool,
                clock=self.pause,
            ),
            shutdown=Shutdown(self.stop, self.clock, grace_seconds=grace),
            clock=self.clock,
            workers=1,
        )

    @property
    def result(self):
        assert 1 == len(self.spool.results)
        return self.spool.results[0]


def until(condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.002)
