"""Charts of responses: bars, scales and words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mgmt_ansible.control_plane.pages.response_charts import milliseconds, response_chart, share
from mgmt_ansible.domain.responses import HOUR, Responses, ResponseSource, response

NOW = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
THIS_HOUR = datetime(2026, 11, 2, 12, tzinfo=UTC)
SEEN = response(milliseconds=4.0) + response(milliseconds=8.0) + response(milliseconds=None, failed=True)


def chart(hours: dict[datetime, Responses], name: str = "24h", source: ResponseSource = ResponseSource.LOOKS):
    return response_chart(hours, source=source, name=name, until=NOW)


def test_what_was_not_measured_is_a_gap():
    """Two of 24 hours have a bar, where they are."""
    seen = chart({THIS_HOUR: SEEN, THIS_HOUR - 20 * HOUR: response(milliseconds=2.0)})

    assert (24, [3, 23]) == (seen.number, [bar.place for bar in seen.bars])
    assert "Nothing was measured in 22 of 24 hours." in seen.text


def test_a_bar_goes_from_the_slowest_to_the_fastest():
    """On a scale of 10 ms; a third failed, on one of half."""
    seen = chart({THIS_HOUR: SEEN})
    (bar,) = seen.bars

    assert (10.0, 20.0, 40.0, 40.0) == (seen.ceiling, bar.top, bar.length, bar.average)
    assert (0.5, 66.7) == (seen.share_ceiling, round(bar.failed, 1))


def test_an_hour_in_which_all_failed_has_no_time():
    """It is no answer of 0 ms."""
    seen = chart({THIS_HOUR: response(milliseconds=None, failed=True)})
    (bar,) = seen.bars

    assert (None, None, 100.0) == (seen.ceiling, bar.top, bar.failed)
    assert "1 failed (100 %); so that none took any time." in seen.text


def test_one_failure_of_many_is_seen():
    """However small its share is."""
    seen = chart({THIS_HOUR: Responses(asked=100_000, failed=1)})

    assert (6.0, 0.01) == (seen.bars[0].failed, seen.share_ceiling)
    assert "100,000 answers were asked for, 1 failed (under 0.1 %)" in seen.text


def test_days_are_added_up():
    """90 stretches of a day; the words tell the whole."""
    hours = {THIS_HOUR - number * HOUR: response(milliseconds=1.0 + number) for number in range(30)}
    seen = chart(hours, "90d")

    assert (90, [88, 89]) == (seen.number, [bar.place for bar in seen.bars])
    assert "Last 90 days: 30 answers were asked for, none failed; 16 ms on average, 1 ms to 30 ms." in seen.text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (ResponseSource.LOOKS, "No look measured it in the last 7 days."),
        (ResponseSource.MONITORS, "No client told of predictions in the last 7 days."),
    ],
)
def test_nothing_is_said_to_be_nothing(source: ResponseSource, text: str):
    """Without a drawing."""
    seen = chart({}, "7d", source)

    assert ((), text) == (seen.bars, seen.text)


def test_users_errors_are_no_failures_of_the_model():
    """They are told beside them; who does not tell times is told."""
    seen = chart({THIS_HOUR - timedelta(hours=1): Responses(asked=4, user_errors=3)}, source=ResponseSource.MONITORS)

    assert (
        "4 requests were told of, none failed, 3 had an error of the user; nobody told how long they took." in seen.text
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04, "0.04 ms"),
        (4.0, "4 ms"),
        (9.96, "10 ms"),
        (250.4, "250 ms"),
        (1_500.0, "1.5 s"),
        (86_400_000.0, "86,400 s"),
    ],
)
def test_times_are_for_people(value: float, text: str):
    """Two digits, and the unit that fits."""
    assert text == milliseconds(value)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 %"), (0.0001, "under 0.1 %"), (0.015, "1.5 %"), (0.5, "50 %"), (1.0, "100 %")]
)
def test_shares_are_for_people(value: float, text: str):
    """What is there is never told as none."""
    assert text == share(value)
