"""From deliveries to channels, over both databases: order, waits, and that no channel waits for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying.delivering import Deliverer, Patience
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.notification_records import ChannelRecord, Result
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import Notice
from tests.contract.store.notifying import Desk
from tests.contract.store.sites import Site

FINE = Result(delivered=True, final=True, code=200, text="ok")
DOWN = Result(delivered=False, text="no answer in time")
NEVER = Result(delivered=False, final=True, code=404, text="no such hook")
PATIENCE = Patience(tries=5, retry_seconds=30, longest_wait_seconds=100, places=4)
DEADLINE = 60.0


class ScriptedSender:
    """Answers tries as the test says: a result, or a function of the channel and the notice."""

    def __init__(self, answer: Result | Callable[[str, Notice], Result] = FINE) -> None:
        self.answer = answer
        self.sent: list[tuple[str, str]] = []

    longest_seconds = 1.0

    def courier(self) -> ScriptedSender:
        return self

    def __enter__(self) -> ScriptedSender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        pass

    def end(self) -> None:
        pass

    def attempt(self, channel: ChannelRecord, notice: Notice, courier: object) -> Result:
        self.sent.append((channel.id, notice.id))
        return self.answer(channel.id, notice) if callable(self.answer) else self.answer


@pytest.fixture
def desk(site: Site) -> Desk:
    made = Desk(site)
    made.channel()
    made.policy()
    return made


@pytest.fixture
def sender() -> ScriptedSender:
    return ScriptedSender()


@pytest.fixture
def deliverer(desk: Desk, sender: ScriptedSender) -> Iterator[Deliverer]:
    made = Deliverer(desk.site.store, sender, PATIENCE)
    yield made
    made.stop(DEADLINE)


def happens(desk: Desk, *deployment_ids: str) -> list[str]:
    """Let each of them fail, and return the ids of the deliveries."""
    for deployment_id in deployment_ids:
        desk.happens(deployment_id=deployment_id)
    desk.dispatch()
    return [one.id for one in desk.log()]


def test_what_is_due_is_sent_once_in_its_order(desk: Desk, deliverer: Deliverer, sender: ScriptedSender):
    """And the record says when, and what came back."""
    ids = happens(desk, "d1", "d2", "d1")

    deliverer.run_due()
    deliverer.run_due()

    assert [("c", one) for one in ids] == sender.sent
    assert {("delivered", 1, 200, "ok")} == {
        (one.status, one.tries, one.response.status_code, one.response.body) for one in desk.log()
    }
    with desk.site.store.read() as tx:
        assert desk.site.clock() == tx.notifications.get_channel("c").last_notification_at


def test_a_channel_that_is_down_waits_longer_and_longer(desk: Desk, deliverer: Deliverer, sender: ScriptedSender):
    """And then all that waited is sent."""
    happens(desk, "d1", "d1")
    sender.answer = DOWN
    waits = [30, 60, 90]
    for wait in waits:
        deliverer.run_due()
        desk.site.clock.pass_seconds(wait - 1)
        deliverer.run_due()
        desk.site.clock.pass_seconds(1)
    (first, second) = desk.log()
    assert (3, 0) == (first.tries, second.tries)
    assert ("pending", "no answer in time") == (first.status, first.message)

    sender.answer = FINE
    deliverer.run_due()

    assert ["delivered", "delivered"] == [one.status for one in desk.log()]
    assert 5 == len(sender.sent)


def test_what_was_tried_often_enough_has_failed(desk: Desk, deliverer: Deliverer, sender: ScriptedSender):
    """The channel tells its trouble."""
    happens(desk, "d1")
    sender.answer = DOWN
    for _ in range(9):
        deliverer.run_due()
        desk.site.clock.pass_seconds(100)

    (one,) = desk.log()
    assert ("failed", 5, 4) == (one.status, one.tries, one.retry_count)
    with desk.site.store.read() as tx:
        assert "no answer in time" == tx.notifications.get_channel("c").trouble


def test_what_the_other_side_will_never_take_fails_at_once(desk: Desk, deliverer: Deliverer, sender: ScriptedSender):
    """And holds up nothing behind it."""
    happens(desk, "d1", "d1")
    sender.answer = lambda _, notice: NEVER if notice.sequence == first_sequence(desk) else FINE
    deliverer.run_due()

    assert [("failed", 1), ("delivered", 1)] == [(one.status, one.tries) for one in desk.log()]


def first_sequence(desk: Desk) -> int:
    return desk.log()[0].event_sequence or 0


def test_what_always_fails_holds_up_its_own_deployment_only(desk: Desk, deliverer: Deliverer, sender: ScriptedSender):
    """Others of the channel go first the next time; of one deployment the order stays."""
    bad, behind, other = happens(desk, "d1", "d1", "d2")
    sender.answer = lambda _, notice: DOWN if notice.id == bad else FINE
    deliverer.run_due()
    desk.site.clock.pass_seconds(30)
    deliverer.run_due()

    assert [("c", bad), ("c", other), ("c", bad)] == sender.sent
    assert "pending" == next(one.status for one in desk.log() if one.id == behind)


@pytest.mark.parametrize(("asked", "waited"), [(7, 30), (120, 120), (1e9, 3600)])
def test_what_the_other_side_asks_for_is_waited_for(
    desk: Desk, deliverer: Deliverer, sender: ScriptedSender, asked: float, waited: float
):
    """Within an hour, and not less than otherwise."""
    happens(desk, "d1")
    sender.answer = Result(delivered=False, code=429, text="slow down", retry_after_seconds=asked)
    deliverer.run_due()
    sender.answer = FINE
    desk.site.clock.pass_seconds(waited - 1)
    deliverer.run_due()
    assert ["pending"] == [one.status for one in desk.log()]

    desk.site.clock.pass_seconds(1)
    deliverer.run_due()

    assert ["delivered"] == [one.status for one in desk.log()]


def test_a_crash_between_sending_and_recording_sends_again_under_the_same_id(desk: Desk, sender: ScriptedSender):
    """When the lease is over, not before: that is the window."""
    (one,) = happens(desk, "d1")
    with pytest.raises(SystemExit):
        Deliverer(desk.site.store, ScriptedSender(crash), PATIENCE).run_due()
    again = Deliverer(desk.site.store, sender, PATIENCE)
    again.run_due()
    assert [] == sender.sent

    desk.site.clock.pass_seconds(62)
    again.run_due()

    assert [("c", one)] == sender.sent
    assert [("delivered", 2)] == [(found.status, found.tries) for found in desk.log()]


def crash(*_: object) -> Result:
    raise SystemExit


def test_a_database_that_is_away_for_a_moment_makes_nothing_sent_twice(
    desk: Desk, deliverer: Deliverer, sender: ScriptedSender, monkeypatch
):
    """The result is put down when it is back."""
    happens(desk, "d1")
    finish = type(deliverer)._record_once
    away = iter([True, False])

    def flaky(*arguments: object) -> None:
        if next(away):
            raise errors.StoreUnavailableError("away")
        finish(*arguments)

    monkeypatch.setattr(Deliverer, "_record_once", flaky)
    deliverer.run_due()
    deliverer.run_due()

    assert (1, ["delivered"]) == (len(sender.sent), [one.status for one in desk.log()])


def test_several_control_planes_send_each_once(desk: Desk, database_url: str):
    """They take from the same rows."""
    happens(desk, *(f"d{number}" for number in range(30)))
    sender = ScriptedSender()
    stores = [Store(database_url, clock=desk.site.clock) for _ in range(3)]
    threads = [threading.Thread(target=Deliverer(store, sender, PATIENCE).run_due) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()

    assert 30 == len(sender.sent) == len(set(sender.sent))


def test_a_channel_that_hangs_delays_no_other(desk: Desk):
    """Also when all channels but one hang, and hung before."""
    hanging = threading.Event()

    def answer(channel_id: str, _: Notice) -> Result:
        if channel_id != "c":
            hanging.wait(DEADLINE)
        return FINE

    for number in range(6):
        desk.channel(f"dead{number}")
        desk.policy(f"p{number}", f"dead{number}")
        with desk.site.store.write() as tx:
            tx.notifications.update_channel(f"dead{number}", {"failures": 1})
    happens(desk, "d1", "d2", "d3")
    deliverer = Deliverer(desk.site.store, ScriptedSender(answer), PATIENCE)
    done = threading.Event()
    while deliverer.start_due():
        pass
    for _ in range(int(DEADLINE * 50)):
        if all(one.status == "delivered" for one in desk.log(channel_id="c")):
            break
        deliverer.start_due()
        done.wait(0.02)

    assert ["delivered"] * 3 == [one.status for one in desk.log(channel_id="c")]
    assert {"pending"} == {one.status for one in desk.log() if one.channel_id != "c"}
    hanging.set()
    deliverer.stop(DEADLINE)


def test_what_is_held_is_not_sent(desk: Desk, deliverer: Deliverer, sender: ScriptedSender):
    """Until its time."""
    desk.mute()
    happens(desk, "d1")
    deliverer.run_due()

    assert ([], [("failing", "held", 0)]) == (sender.sent, desk.told())
    assert Health.FAILING is desk.log()[0].health
