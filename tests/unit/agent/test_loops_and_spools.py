"""The agent's loop, and what its report spool cannot deliver or hold."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus
from tests.unit.agent.scripted import (
    make_claim,
)
from tests.unit.agent.worlds import World


def test_what_the_spool_holds_is_delivered_before_hello_and_before_each_claim():
    """A result that waits here would be handed out again."""
    world = World([make_claim()])
    order: list[str] = []
    world.spool.flush = lambda timeout_seconds: order.append("flush") or True
    hello, claim = world.control_plane.hello, world.control_plane.claim
    world.control_plane.hello = lambda said: (order.append("hello"), hello(said))[1]
    world.control_plane.claim = lambda ids, wait_seconds: (
        order.append("claim"),
        claim(ids, wait_seconds=wait_seconds),
    )[1]

    world.agent.run()

    assert ["flush", "hello", "flush", "claim", "flush", "claim"] == order[:6]


def test_nothing_is_claimed_while_the_spool_cannot_be_emptied_and_nobody_answers():
    """The action of its result would be the first to be handed out."""
    away = errors.ControlPlaneUnavailableError("away")
    world = World([make_claim()])
    flushes = iter([True, False, False])
    world.spool.flush = lambda timeout_seconds: next(flushes, True)
    hello = world.control_plane.hello
    greetings: list[str] = []

    def away_after_the_first(said):
        greetings.append("hello")
        if len(greetings) in (2, 3):
            raise away
        hello(said)

    world.control_plane.hello = away_after_the_first

    world.agent.run()

    assert 3 == len(greetings)
    assert ActionStatus.SUCCEEDED == world.result.status


def test_a_full_disk_claims_nothing():
    """What could not be told had better not be done."""
    world = World([make_claim()])
    world.spool.room = False
    slept: list[float] = []

    def room_at_third(seconds: float) -> None:
        slept.append(seconds)
        world.spool.room = len(slept) >= 3

    world.clock.sleep = room_at_third

    world.agent.run()

    assert [5.0, 5.0, 5.0] == slept
    assert ActionStatus.SUCCEEDED == world.result.status


def test_a_result_that_the_disk_refuses_is_stored_later():
    """It is kept in memory, its claim alive, and nothing new is begun meanwhile."""
    world = World([make_claim()])
    world.spool.refused = {"result"}
    ready: list[bool] = []

    def room_at_second(seconds: float) -> None:
        ready.append(world.agent.reporter.ready)
        if len(ready) == 2:
            world.spool.refused = set()

    world.clock.sleep = room_at_second

    world.agent.run()

    assert [False, False] == ready
    assert ActionStatus.SUCCEEDED == world.result.status


def test_a_result_that_cannot_be_stored_before_the_end_is_given_back():
    """The next claim finds on the hosts what was done."""
    world = World([make_claim()])
    world.spool.refused = {"result"}
    world.clock.sleep = lambda seconds: world.stop.set()

    world.agent.run()

    assert ([], [("a" * 24, 1)]) == (world.spool.results, world.control_plane.released)
