"""One cell: a replace is stopped at a step, a fault is made, and what answers afterwards is compared with what is recorded."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from tests.faults.injuring import Injury, Scene
from tests.faults.managed import DEPLOYMENT, ManagedHost
from tests.kills.barriers import HOST, Barrier, NotReachedError
from tests.testbed import faults
from tests.testbed.agents import Attempt
from tests.testbed.commands import BedError

REPLACE, LAUNCH, RELAUNCH = "deployment_replace_model", "deployment_launch", "deployment_relaunch"
_REACH_SECONDS = 90.0
_ANSWER_SECONDS = 20.0
_SETTLED = ("ok", "changed", "rolled_back", "failed", "degraded")
_NEW = ("ok", "changed")


@dataclass(frozen=True)
class Cell:
    """What one cell came to.

    Attributes:
        kind: Of the host.
        step: Where the module stood.
        fault: Column.
        outcomes: Of the attempts, in order.
        old: Generation that served before.
        new: Generation that was wanted.
        answered: Generation that answers on the stable address afterwards; None when nobody does.
        recorded: Generation that `state.json` names as live.
        fault_text: What is wrong; empty when all is as promised.
        message: Of the last outcome.
        seconds: From the fault to the verdict.
    """

    kind: str
    step: str
    fault: str
    outcomes: tuple[str, ...]
    old: int
    new: int
    answered: int | None
    recorded: int | None
    fault_text: str
    message: str
    seconds: float

    @property
    def verdict(self) -> str:
        """`new`, `old`, `degraded` or `BAD`."""
        if self.fault_text:
            return "BAD"
        if self.outcomes[-1] == "degraded":
            return "degraded"
        return "new" if self.answered == self.new else "old"

    def to_json(self) -> dict[str, Any]:
        """Return it as a line of the record."""
        return {**asdict(self), "verdict": self.verdict}


def trace(managed: ManagedHost) -> list[str]:
    """Replace without a fault and return the names of the steps that were passed, in order."""
    path = managed.barriers / "trace"
    path.touch()
    path.chmod(0o666)
    outcome = managed.act(REPLACE)
    if outcome["outcome"] not in _NEW:
        raise BedError(f"{managed.host.name}: the undisturbed replace came to {outcome}")
    names = path.read_text().split()
    path.unlink()
    return list(dict.fromkeys(names))


def stand(managed: ManagedHost) -> int:
    """See to it that a model serves and is recorded; return its generation.

    Raises:
        BedError: It cannot be had.
    """
    answered = managed.answer()
    if answered is not None and (managed.read("state.json").get("live") or {}).get("generation") == answered:
        managed.generation = max(managed.generation, answered)
        return answered
    outcome = managed.act(LAUNCH)
    if outcome["outcome"] not in _NEW:
        managed.reset()
        outcome = managed.act(LAUNCH)
    if outcome["outcome"] not in _NEW:
        raise BedError(f"{managed.host.name}: no model can be launched: {outcome}")
    return managed.generation


def play(managed: ManagedHost, step: str, injury: Injury) -> Cell:
    """Play one cell, and heal the host.

    Raises:
        NotReachedError: The step was not reached.
        BedError: No model could be had before, or the host does not come back.
    """
    old = stand(managed)
    place = DEPLOYMENT if step.startswith(f"{DEPLOYMENT}-") else HOST
    barrier = Barrier.arm(managed.barriers, place, step.removeprefix(f"{place}-"))
    attempt = managed.begin(REPLACE, generation=managed.generation + 1)
    scene = Scene(managed, attempt, barrier.release)
    try:
        _reach(barrier, attempt)
        began = time.monotonic()
        injury.make(scene)
        outcomes = _finish(scene, injury)
        answered = _answer(managed, outcomes[-1]["outcome"])
        live = managed.read("state.json").get("live") or {}
        return Cell(
            kind=managed.host.kind,
            step=step,
            fault=injury.name,
            outcomes=tuple(str(one["outcome"]) for one in outcomes),
            old=old,
            new=attempt.generation,
            answered=answered,
            recorded=live.get("generation"),
            fault_text=find_fault(outcomes[-1], old, attempt.generation, answered, live.get("generation")),
            message=str(outcomes[-1]["message"]),
            seconds=round(time.monotonic() - began, 1),
        )
    finally:
        if attempt.process.poll() is None:
            attempt.kill()
        for undo in scene.done:
            undo()
        faults.heal(managed.host)
        for one in managed.barriers.iterdir():
            one.unlink(missing_ok=True)


def _reach(barrier: Barrier, attempt: Attempt) -> None:
    deadline = time.monotonic() + _REACH_SECONDS
    while attempt.process.poll() is None and time.monotonic() < deadline:
        with suppress(NotReachedError):
            barrier.wait(0.2)
            return
    raise NotReachedError(f"{barrier.name}: {attempt.outcome() if attempt.process.poll() is not None else 'in vain'}")


def _finish(scene: Scene, injury: Injury) -> list[dict[str, Any]]:
    """Return the outcomes of the attempt, and of the second one that a control plane would offer where the first is not settled."""
    outcomes = [scene.attempt.outcome()]
    if outcomes[-1]["outcome"] not in _SETTLED:
        if not injury.outlasts:
            faults.heal(scene.managed.host)
        outcomes.append(scene.managed.act(REPLACE, generation=scene.attempt.generation, attempt=2))
    return outcomes


def _answer(managed: ManagedHost, outcome: str) -> int | None:
    deadline = time.monotonic() + (0.0 if outcome == "degraded" else _ANSWER_SECONDS)
    answered = managed.answer()
    while answered is None and time.monotonic() < deadline:
        time.sleep(0.1)
        answered = managed.answer()
    return answered


def find_fault(outcome: dict[str, Any], old: int, new: int, answered: int | None, recorded: int | None) -> str:
    """Return what is wrong after a fault; empty when the promise holds.

    The old or the new model answers, the outcome claims just that one, and the host's record names it; or the outcome is
    `degraded`.
    """
    said = outcome["outcome"]
    if said == "degraded":
        return ""
    if said not in _SETTLED:
        return f"the second attempt came to {said}"
    if answered not in (old, new):
        return f"{said}, and generation {answered} answers instead of {old} or {new}"
    claimed = new if said in _NEW else old
    if said not in _NEW and not outcome["old_model_in_use"]:
        return f"{said} does not say that the old model serves, and generation {answered} answers"
    if answered != claimed:
        return f"{said} claims generation {claimed}, and {answered} answers"
    return "" if recorded == answered else f"state.json names generation {recorded}, and {answered} answers"
