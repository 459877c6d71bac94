"""Durations as ISO 8601 writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mgmt_ansible.domain.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1S", 1), ("PT1H", 3600), ("PT90M", 5400), ("P1D", 86_400), ("P1DT2H3M4S", 93_784), ("P2W", 1_209_600)],
)
def test_a_duration_is_read(text, seconds):
    """In seconds."""
    assert timedelta(seconds=seconds) == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "1h",
        "PT0S",
        "P1Y",
        "P1M",
        "PT1.5H",
        "-PT1H",
        "P1W1D",
        "P367D",
        "PT1H\n",
        "PT\u0661H",
        "pt1h",
        "PT9999999999S",
    ],
)
def test_what_is_none_is_refused(text):
    """With what to write instead."""
    with pytest.raises(ValueError, match="such as PT1H"):
        parse_duration(text)
