"""Times as public clients write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mgmt_ansible.wire.timestamps import parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T11:06:17Z", datetime(2026, 11, 22, 11, 6, 17, tzinfo=UTC)),
        ("2026-11-22T11:06:17.992+01:00", datetime(2026, 11, 22, 10, 6, 17, 992_000, tzinfo=UTC)),
        ("2026-11-22 11:06:17.992000", datetime(2026, 11, 22, 11, 6, 17, 992_000, tzinfo=UTC)),
        ("2026-11-22 11:06:17.992+0000", datetime(2026, 11, 22, 11, 6, 17, 992_000, tzinfo=UTC)),
        ("2026-11-22 11:06:17.992 +0000", datetime(2026, 11, 22, 11, 6, 17, 992_000, tzinfo=UTC)),
        ("2026-11-22 11:06:17", datetime(2026, 11, 22, 11, 6, 17, tzinfo=UTC)),
        ("2026-11-22T11:06:17.123456789Z", datetime(2026, 11, 22, 11, 6, 17, 123_456, tzinfo=UTC)),
    ],
)
def test_every_style_is_the_same_moment(text: str, expected: datetime):
    """UTC without a zone."""
    assert expected == parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22",
        "2026-13-01T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T11:06:17+99:99",
        "0001-01-01T00:00:00+23:59",
        "\u0662026-11-22T11:06:17Z",
        "2026-11-22T11:06:17Z\n",
        5,
        None,
        True,
        "9" * 10_000,
    ],
)
def test_what_is_no_time_is_refused(text: object):
    """With what would be one, and never with another error."""
    with pytest.raises(ValueError, match=r"must be a time|calendar"):
        parse_time(text)
