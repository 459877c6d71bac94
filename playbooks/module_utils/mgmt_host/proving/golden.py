"""Golden predictions: what a new model must answer alike before it gets traffic, and how it differs from the old one."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from ..failures import HostError, clean, evidence
from ..journal import Journal
from ..machine import http_probe
from ..running import slots
from . import gates, golden_examples
from .golden_examples import Example, Golden

_ASK_SECONDS = 10.0
_OLD_SECONDS = 30.0
_SHOWN_MISSES = 10
_SHOWN_CHARACTERS = 200
_NOTHING = object()


@dataclass(frozen=True)
class Difference:
    """One value that is not what it should be.

    Attributes:
        example: Number of the example.
        field: Its path in the answer; empty: the answer as a whole.
        said: What the model says, for people.
        wanted: What it should say, for people.
        size: How far two numbers are from each other; None for anything else.
        beyond: `size` in tolerances; infinite for anything else.
    """

    example: int
    field: str
    said: str
    wanted: str
    size: float | None
    beyond: float

    def to_json(self) -> dict[str, Any]:
        """Return it as the host contract has it."""
        values = {"example": self.example, "field": self.field, "said": self.said, "wanted": self.wanted}
        return dict(values, difference=self.size)

    def __str__(self) -> str:
        return "example {}: {} is {} instead of {}".format(
            self.example, self.field or "the answer", self.said, self.wanted
        )


def exam(journal: Journal, seconds: float, old: slots.Slot | None = None) -> Callable[[slots.Slot], None]:
    """Return the gate of golden predictions, to be called with the slot of the new model.

    Args:
        journal: Is told what came of it, whatever that is.
        seconds: For all examples together.
        old: What serves; it is asked the same.
    """
    return lambda slot: _examine(slot, journal, seconds, old)


def differences(golden: Golden, number: int, wanted: Any, said: Any) -> Iterator[Difference]:
    """Yield each place at which an answer is not what is wanted, numbers that are near enough too (`beyond` up to 1).

    An object may say more than what is wanted of it; a list may not.
    """
    return _walk(golden, number, "", wanted, said)


def _examine(slot: slots.Slot, journal: Journal, seconds: float, old: slots.Slot | None) -> None:
    golden = golden_examples.find(slot.config["package_dir"])
    if golden is None:
        return
    if not slot.served.predict_path:
        raise HostError(
            "artifact", "the package has golden predictions but no serve.predict_path; correct its manifest"
        )
    examples = list(golden.read())
    answers, misses = _ask_all(slot, golden, examples, seconds)
    journal.golden = {
        "examples": len(examples),
        "passed": len(examples) - len(misses),
        "failed": len(misses),
        "worst": max(misses, key=lambda miss: miss.beyond).to_json() if misses else None,
        "old_model": _compare_old(old, golden, examples, answers) if old is not None else None,
    }
    if misses:
        count = "{} of {} golden predictions are wrong".format(len(misses), len(examples))
        proof = "\n".join(str(miss) for miss in misses[:_SHOWN_MISSES])
        raise HostError("bad_prediction", "{}: {}".format(count, misses[0]), [evidence("golden", proof)])


def _ask_all(
    slot: slots.Slot, golden: Golden, examples: list[Example], seconds: float
) -> tuple[list[Any], list[Difference]]:
    """Return every answer, and of each example that failed the worst difference."""
    deadline = time.monotonic() + seconds
    answers: list[Any] = []
    misses: list[Difference] = []
    for example in examples:
        left = deadline - time.monotonic()
        if left <= 0:
            message = "only {} of {} golden predictions were answered within {:g} s".format(
                len(answers), len(examples), seconds
            )
            raise HostError("bad_prediction", message, slot.log_evidence())
        answer = _ask(slot, example, min(left, _ASK_SECONDS))
        said = _value(answer)
        answers.append(said if said is _NOTHING else _like(said, example.answer))
        if said is _NOTHING:
            misses.append(_unanswered(example, answer))
            continue
        wrong = [one for one in differences(golden, example.number, example.answer, said) if one.beyond > 1.0]
        misses += [max(wrong, key=lambda one: one.beyond)] if wrong else []
    return answers, misses


def _compare_old(old: slots.Slot, golden: Golden, examples: list[Example], answers: list[Any]) -> dict[str, Any]:
    """Ask the model that serves the same, until it does not answer; it has its own work to do."""
    deadline = time.monotonic() + _OLD_SECONDS
    compared, different, largest = 0, 0, 0.0
    for example, new in zip(examples, answers):
        if new is _NOTHING or not old.served.predict_path:
            continue
        left = deadline - time.monotonic()
        said = _value(_ask(old, example, min(left, _ASK_SECONDS))) if left > 0 else _NOTHING
        if said is _NOTHING:
            break
        found = list(differences(golden, example.number, new, said))
        compared += 1
        different += any(one.beyond > 1.0 for one in found)
        largest = max([largest, *(one.size for one in found if one.size is not None)])
    return {"compared": compared, "different": different, "largest_difference": largest if compared else None}


def _ask(slot: slots.Slot, example: Example, seconds: float) -> http_probe.Answer | None:
    return gates.ask(slot, slot.served.predict_path, seconds, example.body, kind=example.kind)


def _value(answer: http_probe.Answer | None) -> Any:
    """Return what an answer says: JSON, or else its text; `_NOTHING` when it is none."""
    if answer is None or answer.status != http_probe.OK:
        return _NOTHING
    text = answer.body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _unanswered(example: Example, answer: http_probe.Answer | None) -> Difference:
    said = "no answer" if answer is None else _show(answer.text())
    return Difference(example.number, "", said, "an answer", None, math.inf)


def _walk(golden: Golden, number: int, field: str, wanted: Any, said: Any) -> Iterator[Difference]:
    if isinstance(wanted, dict) and isinstance(said, dict):
        for key, value in wanted.items():
            path = "{}.{}".format(field, key) if field else key
            yield from _walk(golden, number, path, value, said.get(key, _NOTHING))
    elif isinstance(wanted, list) and isinstance(said, list) and len(wanted) == len(said):
        for place, pair in enumerate(zip(wanted, said)):
            yield from _walk(golden, number, "{}[{}]".format(field, place), *pair)
    else:
        found = _differ(golden, number, field, wanted, said)
        if found is not None:
            yield found


def _differ(golden: Golden, number: int, field: str, wanted: Any, said: Any) -> Difference | None:
    if type(wanted) is type(said) and not isinstance(wanted, (dict, list)) and wanted == said:
        return None
    size = _distance(wanted, said)
    if size == 0.0:
        return None
    beyond = math.inf
    if size is not None:
        allowed = golden.tolerance_at(field) * max(1.0, abs(float(wanted)))
        beyond = size / allowed if allowed else math.inf
    named = "".join(letter for letter in field if letter.isprintable())[-_SHOWN_CHARACTERS:]
    return Difference(number, named, _show(said), _show(wanted), size, beyond)


def _distance(wanted: Any, said: Any) -> float | None:
    """Return how far two numbers are from each other; None when one is no number, or not a finite one."""
    for value in (wanted, said):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
    try:
        if math.isnan(wanted) and math.isnan(said):
            return 0.0
        size = abs(float(wanted) - float(said))
    except OverflowError:
        return None
    return size if math.isfinite(size) else None


def _like(said: Any, wanted: Any) -> Any:
    """Return the part of an answer that is wanted, not larger than that."""
    if isinstance(wanted, dict) and isinstance(said, dict):
        return {key: _like(said[key], value) for key, value in wanted.items() if key in said}
    if isinstance(wanted, list) and isinstance(said, list) and len(wanted) == len(said):
        return [_like(*pair) for pair in zip(said, wanted)]
    return _show(said) if isinstance(said, (dict, list)) else said


def _show(value: Any) -> str:
    if value is _NOTHING:
        return "missing"
    if isinstance(value, list):
        return "a list of {} values".format(len(value))
    if isinstance(value, dict):
        return "an object"
    text = value if isinstance(value, str) else json.dumps(value)
    return clean(text)[:_SHOWN_CHARACTERS]
