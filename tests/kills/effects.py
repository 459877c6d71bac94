"""The hosts' effects logs, and what in them may not be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PROVED = ("takes port", "which serves already, is recorded")
"""Words of the effects by which a release gets the stable port, or is written down as what serves."""
_UNDOING = ("stopped", "came back")
"""Words of the effects after which such an effect may come again."""


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
    """Return what was done twice, or by an older pair after a newer one, a sentence each."""
    found: list[str] = []
    highest = (0, 0)
    proved: set[tuple[int, str]] = set()
    for effect in effects:
        if effect.pair < highest:
            found.append(f"{effect.text}: after {highest[0]}/{highest[1]} had changed the host")
        highest = max(highest, effect.pair)
        if any(word in effect.what for word in _UNDOING) and not any(word in effect.what for word in _PROVED):
            proved.clear()
        for word in _PROVED:
            if word in effect.what:
                if (effect.pair[0], word) in proved:
                    found.append(f"{effect.text}: a second time")
                proved.add((effect.pair[0], word))
    return tuple(found)
