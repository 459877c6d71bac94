"""What was done: steps for the result, effects for the deployment's own log."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import Any, Iterator

from .layout import DeploymentLayout
from .machine import durable_files


class Journal:
    """Collects steps, effects and notes of one piece of work.

    Attributes:
        steps: `{name, seconds, changed}` in order.
        notes: Slugs, each once.
        receipt: What a prober saw while a model was replaced; None where none was.
        golden: What came of the golden predictions, as the host contract has it; None when none were asked.
    """

    def __init__(self, own: DeploymentLayout | None, pair: tuple[int, int]) -> None:
        self._own = own
        self._pair = pair
        self.steps: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.receipt: dict[str, Any] | None = None
        self.golden: dict[str, Any] | None = None

    @property
    def changed(self) -> bool:
        """Whether any step changed the host."""
        return any(step["changed"] for step in self.steps)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; effects inside it mark it as changed."""
        entry = {"name": name, "seconds": 0.0, "changed": False}
        self.steps.append(entry)
        began = time.monotonic()
        try:
            yield
        finally:
            entry["seconds"] = round(time.monotonic() - began, 4)

    def effect(self, what: str) -> None:
        """Write down that the host was changed, in the step that is under way.

        A log that cannot be written never stops the work: the result's note `effects_incomplete` tells.
        """
        step = self.steps[-1]
        step["changed"] = True
        if self._own is None:
            return
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "generation": self._pair[0],
            "attempt": self._pair[1],
            "step": step["name"],
            "what": what,
        }
        try:
            durable_files.append_line(self._own.effects, line)
        except OSError:
            self.note("effects_incomplete")

    def note(self, slug: str) -> None:
        """Add a note to the result."""
        if slug not in self.notes:
            self.notes.append(slug)


def last_effect(own: DeploymentLayout, pair: tuple[int, int]) -> str:
    """Return the last line of the effects log that is of a pair, in words; empty when there is none or none can be read."""
    try:
        lines = [json.loads(line) for line in durable_files.tail(own.effects).splitlines() if line.startswith('{"')]
        ours = [line for line in lines if (line["generation"], line["attempt"]) == pair]
        return "last effect at {time}, step {step}: {what}".format(**ours[-1]) if ours else ""
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""
