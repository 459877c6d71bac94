"""A download that goes on and on, and what may end it."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.reports import HeartbeatAnswer
from tests.unit.agent.scripted import NOW, ScriptedCache, ScriptedPlugin, make_claim, make_spec
from tests.unit.agent.worlds import World, until

CANCELED = HeartbeatAnswer(expires_at=NOW, cancel_requested=True)


def until_reason(cancel):
    until(lambda: cancel.reason() is not None)


def test_a_cancel_ends_the_download_and_the_action():
    """No host was touched: each is `not_run`, as it was canceled."""
    plugin = ScriptedPlugin(hosts=("h1", "h2"))
    cache = ScriptedCache(waits=until_reason)
    world = World([make_claim(heartbeat_seconds=0.002)], plugin=plugin, cache=cache, beat=lambda: CANCELED)

    world.agent.run()

    assert [] == plugin.performed
    assert ActionStatus.CANCELED == world.result.status
    assert [(Outcome.NOT_RUN, Cause.CANCELED)] * 2 == [(host.outcome, host.cause) for host in world.result.hosts]


def test_a_lost_claim_ends_the_download_without_a_word():
    """Whoever holds the action now fetches for itself."""

    def lost():
        raise errors.ClaimLostError("attempt 2 holds it")

    plugin = ScriptedPlugin()
    cache = ScriptedCache(waits=until_reason)
    world = World([make_claim(heartbeat_seconds=0.002)], plugin=plugin, cache=cache, beat=lost)

    world.agent.run()

    assert ([], [], []) == (plugin.performed, world.spool.results, world.control_plane.released)


def test_an_agent_that_shall_stop_gives_the_claim_back_in_the_middle_of_the_download():
    """Nothing was begun on a host, so there is nothing that needs the grace."""
    plugin = ScriptedPlugin()

    def stop_and_wait(cancel):
        world.stop.set()
        until_reason(cancel)

    world = World([make_claim()], plugin=plugin, cache=ScriptedCache(waits=stop_and_wait), grace=3_600.0)

    world.agent.run()

    assert [("a" * 24, 1)] == world.control_plane.released
    assert ([], []) == (plugin.performed, world.spool.results)


def test_the_actions_own_time_ends_the_download():
    """A server that trickles for ever is a timeout, and no host was touched."""

    def trickle(cancel):
        assert cancel.reason() is None
        world.clock.seconds += 601.0
        until_reason(cancel)

    plugin = ScriptedPlugin()
    world = World([make_claim(make_spec(timeout_seconds=600.0))], plugin=plugin, cache=ScriptedCache(waits=trickle))

    world.agent.run()

    assert (ActionStatus.FAILED, Cause.TIMEOUT) == (world.result.status, world.result.cause)
    assert [(Outcome.NOT_RUN, Cause.TIMEOUT)] == [(host.outcome, host.cause) for host in world.result.hosts]
    assert [] == plugin.performed


def test_a_cancel_is_heard_while_the_control_plane_is_away():
    """A back-off of half a minute is left within a second of the agent's clock."""
    away = [errors.ControlPlaneUnavailableError("away")] * 5
    world = World(
        [make_claim(heartbeat_seconds=0.002)],
        cache=ScriptedCache(away, asked=lambda: until(lambda: world.control_plane.beats > 0)),
        beat=lambda: CANCELED,
    )

    world.agent.run()

    assert ActionStatus.CANCELED == world.result.status
    assert 1.0 >= sum(world.clock.slept)
