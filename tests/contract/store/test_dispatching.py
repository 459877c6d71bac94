"""From the feed to deliveries, over both databases: each entry meets each policy once, whatever crashes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying import dispatching
from mgmt_ansible.control_plane.notifying.dispatching import Dispatcher
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.domain.health import Health
from tests.contract.store.notifying import Desk
from tests.contract.store.sites import Site

HOUR = 3600


@pytest.fixture
def desk(site: Site) -> Desk:
    made = Desk(site)
    made.channel()
    return made


def test_an_entry_becomes_a_delivery_of_each_policy(desk: Desk):
    """With all that the message needs."""
    desk.site.create("d1", launch=False)
    desk.policy("p")
    desk.policy("q", event_group=EventGroup.CRITICAL_HEALTH.value)

    desk.happens()
    desk.dispatch()
    first, second = desk.log()

    assert {"p", "q"} == {first.policy_id, second.policy_id}
    assert ("pending", "Health is failing", "1 of 2 hosts serve", "d1", "Name of c") == (
        first.status, first.title, first.request.body, first.deployment_id, first.channel_name,
    )  # fmt: skip
    with desk.site.store.read() as tx:
        notice = tx.deliveries.notice(first.id)[0]
        assert desk.site.clock() == tx.notifications.get_policy("p").last_triggered
    assert ("prod", "Label of d1", first.id) == (notice.environment_name, notice.deployment_label, notice.id)


def test_dispatching_again_tells_nothing_again(desk: Desk):
    """The cursor is behind what was told."""
    desk.policy()
    desk.happens(count=3)

    desk.dispatch()
    desk.dispatch()

    assert 3 == len(desk.log())


def test_what_was_there_before_the_first_policy_is_not_told(desk: Desk):
    """Also when the cursor has never moved."""
    desk.happens(count=3)
    desk.dispatch()
    desk.policy()
    desk.dispatch()
    desk.happens(Health.UNKNOWN)
    desk.dispatch()

    assert [("unknown", "pending", 0)] == desk.told()


def test_more_entries_than_a_transaction_takes_are_all_told(desk: Desk):
    """Batch after batch, in their order."""
    desk.policy()
    count = dispatching.BATCH + 3
    desk.happens(count=count)

    desk.dispatch()
    found = [one.event_sequence for one in desk.log()]

    assert (count, sorted(found)) == (len(set(found)), found)


def test_a_transaction_ends_when_it_holds_enough(desk: Desk):
    """Many policies hold up no writer of the feed for long; the rest follows, each once."""
    for number in range(10):
        desk.policy(f"p{number}")
    desk.happens(count=12)

    assert desk.dispatcher.dispatch()
    first = len(desk.log())
    desk.dispatch()

    assert dispatching.MOST_DELIVERIES == first
    assert 120 == len({(one.policy_id, one.event_sequence) for one in desk.log()}) == len(desk.log())


def test_without_work_nobody_is_held_up(desk: Desk):
    """No transaction that writes is opened."""
    desk.happens()
    writing = desk.site.store.write
    with writing():  # whoever wants to write now waits, and fails after five seconds
        desk.dispatch()

    assert [] == desk.log()


@pytest.mark.parametrize("step", ["insert", "remember", "move_cursor", "mark_told"])
def test_a_crash_at_any_step_tells_nothing_twice_and_loses_nothing(desk: Desk, monkeypatch, step: str):
    """Cursor, deliveries and what is remembered are one transaction."""
    desk.policy(maximal_frequency="PT1H")
    desk.happens(count=2)
    desk.happens(Health.PASSING)
    with desk.site.store.read() as tx:
        owner = type(tx.deliveries if step == "insert" else tx.notifications)
    with monkeypatch.context() as crash:
        crash.setattr(owner, step, crashes)
        with pytest.raises(errors.StoreError, match="crash"):
            desk.dispatch()
    assert [] == desk.log()

    desk.dispatch()

    assert [("failing", "pending", 0), ("failing", "held", 0), ("recovered", "pending", 1)] == desk.told()


def crashes(*_: object, **__: object) -> None:
    raise errors.StoreError("crash")


def test_several_control_planes_tell_each_entry_once(desk: Desk, database_url: str):
    """They share the cursor."""
    desk.policy()
    desk.happens(count=250)
    others = [Store(database_url, clock=desk.site.clock) for _ in range(3)]
    threads = [threading.Thread(target=run_out, args=(Dispatcher(store, log_days=90),)) for store in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in others:
        store.close()

    assert 250 == len({one.event_sequence for one in desk.log()}) == len(desk.log())


def run_out(dispatcher: Dispatcher) -> None:
    while dispatcher.dispatch():
        pass


def test_what_is_held_is_told_when_the_period_is_over(desk: Desk):
    """The newest becomes a message; the others stay held, and are counted in it."""
    desk.policy(maximal_frequency="PT1H")
    desk.happens(count=3)
    desk.dispatch()
    desk.site.clock.pass_seconds(HOUR - 1)
    desk.dispatch()
    assert [("failing", "pending", 0), ("failing", "held", 0), ("failing", "held", 0)] == desk.told()

    desk.site.clock.pass_seconds(1)
    desk.dispatch()
    desk.dispatch()

    assert [("failing", "pending", 0), ("failing", "held", 0), ("failing", "pending", 1)] == desk.told()


def test_each_deployment_has_its_own_period(desk: Desk):
    """One that is noisy hides no other."""
    desk.policy(maximal_frequency="PT1H")
    for deployment_id in ("d1", "d2", "d1"):
        desk.happens(deployment_id=deployment_id)
    desk.dispatch()

    assert ["pending", "pending", "held"] == [one.status for one in desk.log()]


def test_a_mute_holds_and_then_tells(desk: Desk):
    """The log says why."""
    desk.policy()
    desk.mute(deployment_id="d1", until=desk.site.clock() + timedelta(hours=1))
    desk.happens()
    desk.dispatch()
    (held,) = desk.log()
    desk.site.clock.pass_seconds(HOUR)
    desk.dispatch()

    assert ("held", "held: muted") == (held.status, held.message)
    assert [("failing", "pending", 0)] == desk.told()


def test_an_inactive_policy_tells_nothing_and_releases_nothing(desk: Desk):
    """What it held waits."""
    desk.policy(maximal_frequency="PT1H")
    desk.happens(count=2)
    desk.dispatch()
    with desk.site.store.write() as tx:
        tx.notifications.update_policy("p", {"active": False})
    desk.site.clock.pass_seconds(2 * HOUR)
    desk.happens()
    desk.dispatch()

    assert ["pending", "held"] == [one.status for one in desk.log()]


def test_the_log_is_pruned_of_what_is_old_and_ended(desk: Desk):
    """What is still to be sent stays."""
    desk.policy(maximal_frequency="PT1H")
    desk.happens(count=3)
    desk.dispatch()
    desk.site.clock.pass_seconds(91 * 24 * HOUR)

    assert 2 == desk.dispatcher.prune_log()
    assert ["pending"] == [one.status for one in desk.log()]
