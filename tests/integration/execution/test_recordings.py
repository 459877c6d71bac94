"""One committed recording is made again: the shape of runner events is still what parsing was written for."""

from __future__ import annotations

import pytest

from tests.recordings.recorder import SHAPE_CASE, read, record, shape

pytestmark = pytest.mark.ssh


def test_a_case_recorded_again_has_the_committed_shape(loopback, tmp_path):
    """Kinds of events, keys of their data and of the result."""
    _, committed = read(SHAPE_CASE)

    _, *events = record(SHAPE_CASE, loopback, tmp_path)

    assert shape(committed) == shape(events)
