"""A claim in our hands: fresh before each phase, given back when the agent leaves."""

from __future__ import annotations

import threading

import pytest

from mgmt_ansible import errors
from mgmt_ansible.agent.held_claims import HeldClaim, LookSignal
from mgmt_ansible.agent.shutdowns import Shutdown
from mgmt_ansible.domain.reports import HeartbeatAnswer
from tests.unit.agent.scripted import NOW, FixedClock, ScriptedControlPlane, make_claim
from tests.unit.agent.worlds import until


class Held:
    """A claim of the test and what it talks to."""

    def __init__(self, beat=None, *, heartbeat_seconds=10.0, canceled=False):
        self.stop = threading.Event()
        self.clock = FixedClock()
        self.control_plane = ScriptedControlPlane(beat=beat)
        self.returns = []
        claim = make_claim(heartbeat_seconds=heartbeat_seconds)
        self.held = HeldClaim(
            claim,
            self.control_plane,
            Shutdown(self.stop, self.clock, grace_seconds=0.0),
            self.clock,
            returned=lambda: self.returns.append(1),
        )


def lost():
    raise errors.ClaimLostError("attempt 2 holds it")


def away():
    raise errors.ControlPlaneUnavailableError("away")


def test_a_fresh_claim_is_not_asked_for_again():
    """Phases follow each other quickly."""
    world = Held()
    world.clock.seconds = 15.0

    world.held.ensure()

    assert 0 == world.control_plane.beats


def test_a_claim_that_is_older_than_half_its_life_is_asked_for():
    """A process that was frozen does not know it: the monotonic clock does."""
    world = Held()
    world.clock.seconds = 15.1

    world.held.ensure()
    world.held.ensure()

    assert 1 == world.control_plane.beats


def test_a_claim_that_was_lost_meanwhile_begins_nothing():
    """Somebody else holds it since the freeze."""
    world = Held(lost)
    world.clock.seconds = 40.0

    with pytest.raises(errors.ClaimLostError):
        world.held.ensure()
    assert ("claim_lost", True) == (world.held.reason(), world.held.lost)


def test_an_absent_control_plane_lets_the_work_go_on():
    """The hosts' fences decide then."""
    world = Held(away)
    world.clock.seconds = 3_600.0

    world.held.ensure()

    assert world.held.reason() is None


def test_a_takeover_asks_however_fresh_the_claim_is():
    """A cancel that came between two claims is heard."""
    world = Held(lambda: HeartbeatAnswer(expires_at=NOW, cancel_requested=True))

    world.held.ensure(now=True)

    assert "canceled" == world.held.reason()
    assert LookSignal(world.held).reason() is None


def test_a_heartbeat_that_nobody_answered_is_repeated_soon_and_the_return_is_told():
    """Who returns finds the claim alive, and the spool learns of it."""
    answers = iter([away, away])

    def beat():
        next(answers, lambda: None)()
        return HeartbeatAnswer(expires_at=NOW)

    world = Held(beat, heartbeat_seconds=0.05)
    with world.held:
        until(lambda: world.returns)

    assert [1] == world.returns


def test_a_claim_is_given_back_once_and_its_loss_is_no_error():
    """When nobody hears it, it expires by itself."""
    world = Held()
    world.held.release()

    assert [("a" * 24, 1)] == world.control_plane.released


def test_a_claim_that_cannot_be_given_back_is_left(monkeypatch):
    """The agent ends all the same."""
    world = Held()
    monkeypatch.setattr(world.control_plane, "release", lambda action_id, attempt: away())

    world.held.release()

    assert [] == world.control_plane.released
