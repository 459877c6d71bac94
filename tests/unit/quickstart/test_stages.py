"""Progress: plain lines where there is no terminal."""

from __future__ import annotations

import io

import pytest

from mgmt_ansible.quickstart.stages import Stages


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        return True


def test_a_stage_is_two_plain_lines():
    """One when it begins, one with its seconds; what it tells, once a change."""
    stream = io.StringIO()

    with Stages(stream).stage("baking") as tell:
        tell("hot")
        tell("hot")

    assert ["  - baking", "  - baking: hot", "  - baking: 0.0 s"] == stream.getvalue().splitlines()


def test_a_failed_stage_says_so():
    """The error goes on."""
    stream = io.StringIO()

    with pytest.raises(ValueError, match="burnt"), Stages(stream).stage("baking"):
        raise ValueError("burnt")

    assert "  - baking: not done" == stream.getvalue().splitlines()[-1]


def test_a_terminal_has_one_line_a_stage():
    """It is written again in place."""
    stream = Terminal()

    with Stages(stream).stage("baking") as tell:
        tell("hot")

    assert 1 == stream.getvalue().count("\n")
    assert stream.getvalue().endswith("✔ baking: 0.0 s\n")
