"""The loss receipt: what a prober on the host saw at the stable address while a model was replaced.

```
 replace begins --before--> traffic moves --during--> the new model is proved --after--> a few more probes
```
Probes start at a fixed rate, whatever the answers take. An answer is any HTTP status below 500, and slow when it came after
more than two seconds: who asked had to wait, and lost nothing. Nobody waits for longer than a proxy lets requests wait.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Sequence

from ..machine.http_questions import Question, Questions

INTERVAL_SECONDS = 0.05
SLOW_SECONDS = 2.0
BEFORE, DURING, AFTER = "before", "during", "after"
PHASES = (BEFORE, DURING, AFTER)
_REMEMBERED = 100_000
"""Probes; older ones, of more than an hour ago, are forgotten."""
_LONGEST_AFTER_SECONDS = 1.0
_LAST_SECONDS = 2.0
"""How long what is still under way at the end may take to be answered."""

_FEWEST_AFTER = 2
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Probe:
    """One question and what came of it.

    Attributes:
        began: Of the monotonic clock, in seconds.
        seconds: Until the answer, or until there was none.
        answered: Whether it was answered at all, and not by a server's error.
        phase: In which it began.
    """

    began: float
    seconds: float
    answered: bool
    phase: str


class Prober:
    """Asks the stable address again and again; a context manager.

    Args:
        address: As the host itself reaches it.
        port: Stable.
        path: Of the health question.
    """

    def __init__(self, address: str, port: int, path: str) -> None:
        self._where = (address, port, path)
        self._ended = threading.Event()
        self._phase = BEFORE
        self._probes: deque[Probe] = deque(maxlen=_REMEMBERED)
        self._thread = threading.Thread(target=self._keep_asking, daemon=True)

    def __enter__(self) -> Prober:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def enter(self, phase: str) -> None:
        """Let what is asked from now on belong to another phase."""
        self._phase = phase

    def watch_after(self, seconds: float) -> None:
        """Enter the last phase, and wait for the probes of that time: at least two, at most a second's."""
        self.enter(AFTER)
        wanted = max(_FEWEST_AFTER, int(min(seconds, _LONGEST_AFTER_SECONDS) / INTERVAL_SECONDS))
        deadline = time.monotonic() + _LAST_SECONDS
        while self._count(AFTER) < wanted and time.monotonic() < deadline:
            self._ended.wait(INTERVAL_SECONDS / 5)

    def receipt(self) -> dict[str, Any]:
        """Return the receipt of the host contract; of use once the prober has ended."""
        return receipt(tuple(self._probes), self._began)

    def _count(self, phase: str) -> int:
        return sum(1 for probe in tuple(self._probes) if probe.phase == phase)

    def _keep_asking(self) -> None:
        with Questions(*self._where) as questions:
            due = time.monotonic()
            while not self._ended.is_set():
                if time.monotonic() >= due:
                    questions.ask(self._phase)
                    due = max(due + INTERVAL_SECONDS, time.monotonic() - INTERVAL_SECONDS)
                self._keep(questions.wait(due - time.monotonic()))
            deadline = time.monotonic() + _LAST_SECONDS
            while questions and time.monotonic() < deadline:
                self._keep(questions.wait(deadline - time.monotonic()))
            self._keep(questions.give_up())

    def _keep(self, settled: Sequence[Question]) -> None:
        for one in settled:
            answered = one.status is not None and one.status < _SERVER_ERROR
            self._probes.append(Probe(one.began, one.seconds, answered, one.phase))


def receipt(probes: Sequence[Probe], began: float) -> dict[str, Any]:
    """Return what probes come to, as the host contract has it.

    Args:
        probes: In any order.
        began: When asking began, of the monotonic clock; counts as an answer.
    """
    return {
        "interval_seconds": INTERVAL_SECONDS,
        "probes": len(probes),
        "failed": sum(1 for probe in probes if not probe.answered),
        "slow": sum(1 for probe in probes if probe.answered and probe.seconds > SLOW_SECONDS),
        "slowest_seconds": max((round(probe.seconds, 6) for probe in probes if probe.answered), default=None),
        "longest_gap_seconds": longest_gap(probes, began),
        **{phase: _spread([probe for probe in probes if probe.phase == phase]) for phase in PHASES},
    }


def longest_gap(probes: Sequence[Probe], began: float) -> float:
    """Return the longest time without an answer, in seconds, right within one interval.

    It goes from the last answered question before a failed one to the first answered after it, less one interval: what
    lies between two answered questions is no gap, however late this host came to ask.
    """
    longest, answered, failing = 0.0, began, False
    for probe in sorted(probes, key=lambda one: one.began):
        if failing or not probe.answered:
            longest = max(longest, probe.began - answered - INTERVAL_SECONDS)
        failing = not probe.answered
        answered = probe.began if probe.answered else answered
    return round(longest, 4)


def _spread(probes: Sequence[Probe]) -> dict[str, Any]:
    seconds = sorted(probe.seconds for probe in probes if probe.answered)
    return {"probes": len(probes), "p50_seconds": _rank(seconds, 0.5), "p99_seconds": _rank(seconds, 0.99)}


def _rank(ordered: Sequence[float], part: float) -> float | None:
    return round(ordered[max(0, math.ceil(part * len(ordered)) - 1)], 6) if ordered else None
