"""Stop the holder of one generation, up to an attempt, and what it had started but not switched to."""

from __future__ import annotations

import os
from typing import Any

from .. import fence, last_result
from ..content import releases
from ..failures import HostError, SupersededError
from ..inputs import Inputs
from ..journal import Journal
from ..machine import durable_files, processes
from ..observing import observe
from ..running import slots
from ..switching import traffic, traffic_kinds
from . import restoring, stopping


def cancel(inputs: Inputs, journal: Journal) -> dict[str, Any]:
    """Cancel a pair: its holder ends, also one of an earlier attempt, a late one is refused, the model from before serves.

    Returns:
        `message`, and unless somebody newer works: `identity` and `old_model_in_use` as proved afterwards, and as evidence whom
        the cancel found at work.
    """
    own = inputs.own
    os.makedirs(own.folder, mode=0o700, exist_ok=True)
    found = fence.look(own)
    try:
        with journal.step("stop"):
            _stop_holder(inputs, journal)
            with durable_files.locked(own.lock, fence.LOCK_SECONDS, waiting=lambda: _stop_holder(inputs, journal)):
                message = _clean(inputs, journal)
                return dict(observe.serving(inputs), message=message, evidence=found)
    except SupersededError as error:
        return {"message": "a newer action works by now: generation {}, attempt {}".format(*error.pair)}


def _stop_holder(inputs: Inputs, journal: Journal) -> None:
    mark = _read_fence(inputs)
    ours = mark.pair[0] == inputs.generation  # `_read_fence` refuses higher attempts
    if ours and processes.stop(mark.holder, fence.HOLDER_STOP_SECONDS):
        journal.effect("the run with pid {} was stopped".format(mark.holder.pid if mark.holder else 0))


def _read_fence(inputs: Inputs) -> fence.FenceMark:
    mark = fence.read(inputs.own)
    if mark.pair > inputs.pair:
        raise SupersededError(mark.pair)
    return mark


def _clean(inputs: Inputs, journal: Journal) -> str:
    own = inputs.own
    mark = _read_fence(inputs)
    if mark.pair == inputs.pair and (mark.holder is None or last_result.find(own, mark.pair)[0] is not None):
        return "the run had ended already"
    fence.write(own, inputs, holder=None, canceled=True)
    stopping.clear(inputs)
    state = durable_files.read_json(own.state)
    if state is None or state.get("wanted") != "running":
        _stop_all(inputs, journal)
    else:
        _restore(inputs, journal, state)
    return "canceled"


def _stop_all(inputs: Inputs, journal: Journal) -> None:
    for slot in slots.list_places(inputs.own):
        if slots.stop(slot, inputs.stop_timeout_seconds):
            journal.effect("slot {} stopped".format(slot.name))
    if not os.path.exists(inputs.own.state):
        releases.forget(inputs.own, inputs.layout)


def _restore(inputs: Inputs, journal: Journal, state: dict[str, Any]) -> None:
    recorded = slots.find(inputs.own, state["live"]["slot"])
    if recorded.running:
        _prefer(inputs, recorded)
        stopping.sweep(inputs, journal)
        return
    _stop_all(inputs, journal)
    identity = restoring.bring_back(inputs, recorded)
    journal.effect("slot {} {}".format(recorded.name, "came back" if identity else "did not come back"))


def _prefer(inputs: Inputs, recorded: slots.Slot) -> None:
    """Let the proxy give requests to what is recorded again, where a killed run had taken them away; the sweep ends the rest."""
    try:
        if traffic_kinds.is_proxied(recorded.config):
            traffic.lead_to(inputs.own, recorded)
    except HostError:
        return  # no proxy runs: the sweep starts it
