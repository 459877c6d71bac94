"""The hosts' effects logs, and what in them may not be."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TAKES = re.compile(r"slot \w stopped, slot (?P<slot>\w) takes port")
_STARTS = re.compile(r"slot (?P<slot>\w) started on port \d+$")
_RECORDED = re.compile(r"slot (?P<slot>\w), which serves already, is recorded")
_ENDS = re.compile(r"slot (?P<slot>\w) (was left by an earlier run and is stopped|stopped$)")
_RETURNS = re.compile(r"slot (?P<slot>\w) came back")
"""Words of the host side's effects; those of a gate's candidate and of installing are none of them."""


@dataclass(frozen=True)
class Effect:
    """One line of an effects log."""

    pair: tuple[int, int]
    step: str
    what: str
    time: str

    @property
    def text(self) -> str:
        """The line for people."""
        return f"{self.time} {self.pair[0]}/{self.pair[1]} {self.step}: {self.what}"


def read_effects(base_dir: Path, deployment_id: str) -> tuple[Effect, ...]:
    """Return a deployment's effects on a host, oldest first."""
    folder = base_dir / "deployments" / deployment_id
    paths = (folder / "effects.jsonl.1", folder / "effects.jsonl")
    lines = [json.loads(line) for path in paths if path.exists() for line in path.read_text().splitlines()]
    return tuple(
        Effect((line["generation"], line["attempt"]), line["step"], line["what"], line["time"]) for line in lines
    )


def find_doubled(effects: Iterable[Effect]) -> tuple[str, ...]:
    """Return what was done twice, or by an older pair after a newer one, a sentence each.

    A release comes to serve once: by a start on the port, or by a switch. It may again only after the very slot in which it served has
    ended, or after the old release came back.
    """
    found: list[str] = []
    highest = (0, 0)
    serving = _Serving()
    for effect in effects:
        if effect.pair < highest:
            found.append(f"{effect.text}: after {highest[0]}/{highest[1]} had changed the host")
        highest = max(highest, effect.pair)
        if serving.repeats(effect):
            found.append(f"{effect.text}: a second time")
    return tuple(found)


class _Serving:
    """Which slot serves which generation, as a log tells it line by line."""

    def __init__(self) -> None:
        self._slot = ""
        self._generation = 0
        self._recorded = False

    def repeats(self, effect: Effect) -> bool:
        """Take a line; tell whether it does again what was done."""
        if ended := _ENDS.match(effect.what):
            if ended["slot"] == self._slot:
                self._slot, self._generation, self._recorded = "", 0, False
            return False
        if back := _RETURNS.match(effect.what):
            self._slot, self._generation, self._recorded = back["slot"], 0, False
            return False
        if began := _TAKES.match(effect.what) or _STARTS.match(effect.what):
            return self._begins(began["slot"], effect.pair[0])
        if recorded := _RECORDED.match(effect.what):
            return self._is_recorded(recorded["slot"], effect.pair[0])
        return False

    def _begins(self, slot: str, generation: int) -> bool:
        again = self._slot != "" and self._generation == generation
        self._slot, self._generation, self._recorded = slot, generation, False
        return again

    def _is_recorded(self, slot: str, generation: int) -> bool:
        again = self._recorded and self._generation == generation
        self._slot, self._generation, self._recorded = slot, generation, True
        return again
