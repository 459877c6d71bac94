"""Health: the judgement that people read, and how several become one.

Among reports about one deployment the agent's newest replaces its former ones; against other monitors the worse of the
two is shown. Source: design, "Health".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """A judgement, or `info` for an event that only tells.

    Icons (source: the vendor's public pages): passing green, warning yellow, failing red, unknown and info grey.
    """

    PASSING = "passing"
    WARNING = "warning"
    FAILING = "failing"
    UNKNOWN = "unknown"
    INFO = "info"


WORST_FIRST = (Health.FAILING, Health.WARNING, Health.UNKNOWN, Health.PASSING)
"""An unknown health is worse than a passing one: what cannot be seen is not fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody said last of a health; never `info`."""

    health: Health
    message: str = ""


SILENCE = Word(health=Health.UNKNOWN)


def worst_of(words: Iterable[Word]) -> Word:
    """Return the worst word, of equal ones the first; `SILENCE` when there is none."""
    return min(words, key=lambda word: WORST_FIRST.index(word.health), default=SILENCE)


def shown_word(agent: Word | None, monitors: Iterable[Word]) -> Word:
    """Return what is shown of a deployment's health.

    Args:
        agent: The agent's newest word; None where no agent acts.
        monitors: The last word of each other monitor; `unknown` says that it sees nothing, and counts for nothing.

    Returns:
        The worse of the two; of equal ones the agent's.
    """
    told = worst_of(word for word in monitors if word.health is not Health.UNKNOWN)
    if agent is None:
        return told
    return agent if told is SILENCE else worst_of((agent, told))
