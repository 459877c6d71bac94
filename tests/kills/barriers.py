"""Barriers from the side of those who arm them; the other side is `reaching`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

AGENT = "agent"
"""The place of all steps of an agent's process."""
HOST = "host"
"""The place of steps on hosts that belong to no deployment."""


class NotReachedError(Exception):
    """Nobody came by: the step's name is wrong, or the code does not go there."""


@dataclass(frozen=True)
class Barrier:
    """One armed step.

    Attributes:
        folder: Of all barriers of a site.
        name: `<place>-<step>`.
    """

    folder: Path
    name: str

    @classmethod
    def arm(cls, folder: Path, place: str, step: str, **limits: object) -> Barrier:
        """Arm a step for the next process whose facts have these values."""
        barrier = cls(folder, f"{place}-{step}")
        barrier.clear()
        draft = folder / f"new-{barrier.name}"
        draft.write_text(json.dumps(limits))
        draft.rename(folder / f"arm-{barrier.name}")
        return barrier

    def wait(self, seconds: float) -> dict[str, Any]:
        """Wait until a process stands at the step; returns its facts.

        Raises:
            NotReachedError: None came in that time.
        """
        reached = self.folder / f"reached-{self.name}"
        deadline = time.monotonic() + seconds
        while not reached.exists():
            if time.monotonic() >= deadline:
                raise NotReachedError(f"{self.name} was not reached in {seconds:g} s")
            time.sleep(0.01)
        facts: dict[str, Any] = json.loads(reached.read_text())
        return facts

    def release(self) -> None:
        """Let the process go on."""
        (self.folder / f"go-{self.name}").touch()

    def clear(self) -> None:
        """Forget the step; nobody stands at it."""
        for kind in ("arm", "taken", "reached", "go"):
            (self.folder / f"{kind}-{self.name}").unlink(missing_ok=True)
