"""Health strips: equal stretches of time, each with its worst health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.health_strips import STRETCHES, health_strip

END = datetime(2026, 11, 2, tzinfo=UTC)
BEGIN = END - timedelta(hours=24)


def strip(*told):
    return health_strip([(BEGIN + timedelta(hours=hours), health) for hours, health in told], since=BEGIN, until=END)


def test_what_was_told_holds_until_the_next():
    """Half a day failing, half a day passing."""
    seen = strip((-5, Health.FAILING), (12, Health.PASSING))
    assert ({Health.FAILING: 0.5, Health.PASSING: 0.5}, 1) == (seen.shares, seen.spells)
    assert (Health.FAILING, Health.PASSING) == (seen.parts[0], seen.parts[-1])


def test_the_worst_of_a_part_is_shown():
    """A minute's failure is not hidden by its quarter of an hour."""
    seen = strip((0, Health.PASSING), (6.01, Health.FAILING), (6.02, Health.PASSING))
    assert (Health.FAILING, Health.PASSING) == (seen.parts[24], seen.parts[25])


def test_before_anything_was_told_nothing_is_shown():
    """A new deployment was neither fine nor broken."""
    seen = strip((12, Health.PASSING))
    assert (None, {Health.PASSING: 1.0}) == (seen.parts[0], seen.shares)


def test_without_any_word_there_is_nothing():
    """Also entries that only tell."""
    assert ({}, 0) == (strip((1, Health.INFO)).shares, strip().spells)


@given(st.lists(st.tuples(st.floats(-48, 30), st.sampled_from(list(Health))), max_size=30))
def test_any_history_makes_a_whole_strip(told):
    """In any order, with times outside too: shares sum to one, parts are as many as ever."""
    seen = strip(*told)
    assert STRETCHES == len(seen.parts)
    assert not seen.shares or abs(sum(seen.shares.values()) - 1) < 1e-6
