"""Health: how the agent's word and those of monitors become one."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.health import Health, Word, shown_word


def word(text: str) -> Word:
    return Word(health=Health(text), message=text)


@pytest.mark.parametrize(
    ("agent", "monitors", "shown"),
    [
        ("passing", [], "passing"),
        ("passing", ["passing"], "passing"),
        ("passing", ["failing"], "failing"),
        ("passing", ["warning", "passing"], "warning"),
        ("passing", ["warning", "failing"], "failing"),
        ("failing", ["passing"], "failing"),
        ("warning", ["failing"], "failing"),
        ("warning", ["passing"], "warning"),
        ("unknown", ["passing"], "unknown"),
        ("unknown", ["warning"], "warning"),
        ("passing", ["unknown"], "passing"),
        ("failing", ["unknown"], "failing"),
        ("unknown", [], "unknown"),
    ],
)
def test_the_worse_of_agent_and_monitors_is_shown(agent: str, monitors: list[str], shown: str):
    """What a monitor does not know counts for nothing."""
    assert shown == shown_word(word(agent), [word(one) for one in monitors]).health


def test_of_equal_words_the_agents_is_shown():
    """It was on the host."""
    monitor = Word(health=Health.FAILING, message="monitor")

    assert "failing" == shown_word(word("failing"), [monitor]).message


def test_without_an_agent_the_monitors_are_all_there_is():
    """And without those nothing is known."""
    assert Health.PASSING is shown_word(None, [word("passing"), word("unknown")]).health
    assert Health.UNKNOWN is shown_word(None, [word("unknown")]).health
