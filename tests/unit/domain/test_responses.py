"""Responses: sums by the hour, that add up."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.responses import Responses, hour_of, response, stretches, together

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_one_response_is_its_own_average():
    """Whole compared."""
    assert Responses(asked=1, timed=1, milliseconds=4.5, fastest=4.5, slowest=4.5) == response(milliseconds=4.5)


def test_who_did_not_answer_has_no_time():
    """A failure is not a response of 0 ms."""
    failed = response(milliseconds=None, failed=True)

    assert (1, 1, 0, None, None) == (failed.asked, failed.failed, failed.timed, failed.average, failed.fastest)


@pytest.mark.parametrize("told", [-0.001, 86_400_001.0, math.inf, -math.inf, math.nan])
def test_a_time_that_cannot_be_one_is_not_known(told: float):
    """It was asked, and that is all."""
    assert Responses(asked=1) == response(milliseconds=told)


_TIMES = st.lists(st.one_of(st.none(), st.integers(0, 1_000).map(float)), max_size=20)


@given(_TIMES, _TIMES)
def test_parts_add_up_to_the_whole(some: list[float | None], others: list[float | None]):
    """However the responses were parted; those that nobody timed neither."""
    parts = [together(response(milliseconds=one, failed=one is None) for one in part) for part in (some, others)]
    known = [one for one in some + others if one is not None]

    whole = together(parts)

    expected = (len(some + others), len(some + others) - len(known), min(known, default=None), max(known, default=None))
    assert expected == (whole.asked, whole.failed, whole.fastest, whole.slowest)
    assert (sum(known) / len(known) if known else None) == whole.average


def test_a_stretch_without_measurements_is_a_gap():
    """Not one without failures; an hour that was measured has its sums."""
    measured = {NOON: response(milliseconds=3.0), NOON - timedelta(hours=5): response(milliseconds=None, failed=True)}

    seen = stretches(measured, until=NOON + timedelta(minutes=59), number=4, hours_each=2)

    begins = [NOON - timedelta(hours=hours) for hours in (7, 5, 3, 1)]
    assert begins == [one.begin for one in seen]
    assert [None, 1, None, 0] == [one.responses and one.responses.failed for one in seen]


def test_an_hour_is_one_of_utc():
    """Whatever the zone, half ones too."""
    assert NOON == hour_of(datetime(2026, 11, 2, 17, 59, tzinfo=timezone(timedelta(hours=5, minutes=30))))
