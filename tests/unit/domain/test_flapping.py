"""When a health flaps, and when it has settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.flapping import (
    FALL,
    QUIET,
    Look,
    Telling,
    Told,
    back_and_forth,
    is_flapping,
    judge_look,
)
from mgmt_ansible.domain.health import Health

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = 60.0
HEALTHS = (Health.PASSING, Health.WARNING, Health.UNKNOWN, Health.FAILING)
PATTERN = {".": Health.PASSING, "w": Health.WARNING, "?": Health.UNKNOWN, "x": Health.FAILING}


class Feed:
    """A deployment that is looked at: its health, and what the feed tells of it."""

    def __init__(self) -> None:
        self.told = [Told(telling=Telling.START, health=Health.PASSING, at=START)]
        self.health, self.since, self.now, self.alike = Health.PASSING, START, START, 0

    def look(self, health: Health, seconds: float = MINUTE) -> Telling | None:
        self.now += timedelta(seconds=seconds)
        self.alike = self.alike + 1 if health is self.health else 1
        look = Look(health=health, before=self.health, at=self.now, since=self.since, alike=min(self.alike, FALL))
        telling = judge_look(look, self.told)
        if telling is not None:
            shown = Health.WARNING if telling is Telling.FLAPPING else health
            self.told.append(Told(telling=telling, health=shown, at=self.now))
        if health is not self.health:
            self.health, self.since = health, self.now
        return telling

    def looks(self, pattern: str, seconds: float = MINUTE) -> list[str]:
        """What each look of a pattern told, in words."""
        return [telling.value if telling else "-" for telling in (self.look(PATTERN[one], seconds) for one in pattern)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("x.x.", ["change", "change", "change", "flapping"]),
        ("x.x.x.x", ["change", "change", "change", "flapping", "-", "-", "-"]),
        ("wxw.", ["change", "change", "change", "change"]),
        ("xx..xx", ["change", "-", "change", "-", "change", "-"]),
        ("?.?.", ["change", "change", "change", "flapping"]),
    ],
)
def test_the_third_turn_is_flapping(pattern, expected):
    """An outage that spreads host by host, and ends so, has one; what follows is held."""
    assert expected == Feed().looks(pattern)


def test_a_health_that_turns_rarely_never_flaps():
    """A change each ten minutes is worth an entry each."""
    assert ["change"] * 12 == Feed().looks("x." * 6, seconds=QUIET.total_seconds())


@pytest.mark.parametrize(("begun", "last"), [("x.x.x", "."), ("x.x.", "x")])
def test_it_settles_when_it_was_the_same_for_ten_minutes(begun, last):
    """Also as failing: nothing is held for ever."""
    feed = Feed()
    feed.looks(begun)

    assert ["-"] * 10 + ["settled", "-"] == feed.looks(last * 12)
    assert PATTERN[last] is feed.told[-1].health


@pytest.mark.parametrize(("last", "expected"), [(".", ["-", "settled"]), ("x", ["-", "-", "settled"])])
def test_rare_looks_must_agree(last, expected):
    """Two that say passing, three of any other: a quarter of an hour alone proves nothing."""
    feed = Feed()
    feed.looks("x.x.x" if last == "." else "x.x.x.")

    assert expected == feed.looks(last * len(expected), seconds=900)


def test_it_counts_afresh_when_it_has_settled():
    """The first change after it is told at once."""
    feed = Feed()
    feed.looks("x.x." + "." * 10)

    assert ["change", "change", "change", "flapping"] == feed.looks("x.x.")


def test_an_action_counts_afresh():
    """What the old model did says nothing of the new one."""
    feed = Feed()
    feed.looks("x.x.x")
    feed.told.append(Told(telling=Telling.START, health=Health.PASSING, at=feed.now))
    feed.health = Health.PASSING

    assert ["change", "change"] == feed.looks("x.")


def test_a_clock_that_is_set_back_holds_nothing():
    """How long the health was the same is not known; a look that says the same settles it."""
    feed = Feed()
    feed.looks("x.x.")

    assert Telling.SETTLED is feed.look(Health.PASSING, seconds=-86_400)


def test_it_is_told_how_often_in_which_time_between_what():
    """Only what is within the window counts, and the best comes first."""
    feed = Feed()
    feed.looks("w" + "." * 40 + "x?x")
    look = Look(health=Health.PASSING, before=feed.health, at=feed.now + timedelta(minutes=1), since=feed.since)

    told = back_and_forth(look, feed.told)

    assert (4, timedelta(minutes=3)) == (told.changes, told.time)
    assert (Health.PASSING, Health.UNKNOWN, Health.FAILING) == told.healths


LOOKS = st.lists(st.tuples(st.sampled_from(HEALTHS), st.floats(min_value=0.001, max_value=900)), max_size=120)
OFTEN = st.lists(st.tuples(st.sampled_from(HEALTHS), st.floats(min_value=0.001, max_value=90)), max_size=120)


def looked_at(looks) -> Feed:
    feed = Feed()
    for health, seconds in looks:
        feed.look(health, seconds)
    return feed


@given(LOOKS | OFTEN)
def test_it_is_told_once_in_ten_minutes_at_most(looks):
    """Whatever is seen, however often; and each is settled before the next."""
    marks = [one for one in looked_at(looks).told if one.telling in (Telling.FLAPPING, Telling.SETTLED)]

    assert all(place % 2 == (one.telling is Telling.SETTLED) for place, one in enumerate(marks))
    assert [] == [later for earlier, later in pairwise(marks[::2]) if later.at - earlier.at < QUIET]


@given(LOOKS | OFTEN)
def test_while_it_does_not_flap_the_last_word_is_the_health(looks):
    """At every moment, not only at the end."""
    feed = Feed()
    for health, seconds in looks:
        feed.look(health, seconds)
        assert is_flapping(feed.told) or feed.told[-1].health is feed.health


@given(LOOKS | OFTEN, st.sampled_from(HEALTHS), st.floats(min_value=1, max_value=900))
def test_nothing_is_held_for_ever(looks, last, seconds):
    """Ten minutes and three looks of one health later the feed says it."""
    feed = looked_at(looks)
    feed.look(last, seconds)
    begun, alike = feed.now, 1
    while feed.now - begun < QUIET or alike < FALL:
        feed.look(last, seconds)
        alike += 1

    assert not is_flapping(feed.told)
    assert last is feed.told[-1].health


@given(OFTEN)
def test_the_newest_dozen_of_entries_is_enough_to_know(looks):
    """What was told before changes nothing."""
    whole, short = Feed(), Feed()
    for health, seconds in looks:
        short.told = short.told[-12:]
        assert whole.look(health, seconds) is short.look(health, seconds)
