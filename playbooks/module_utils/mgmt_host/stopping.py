"""Stop everything of a deployment; the tombstone and the releases stay."""

from __future__ import annotations

from . import boot, durable_files, slots
from .inputs import Inputs
from .journal import Journal


def stop(inputs: Inputs, journal: Journal) -> bool:
    """Stop both slots and forget them; return whether anything ran."""
    own = inputs.own
    stopped = False
    with journal.step("stop"):
        for slot in slots.list_slots(own):
            if slots.stop(slot, inputs.stop_timeout_seconds):
                journal.effect("slot {} stopped".format(slot.name))
                stopped = True
        _record(inputs)
        durable_files.remove_tree(own.slots)
        boot.withdraw_when_idle(inputs.layout, journal)
    return stopped


def sweep(inputs: Inputs, journal: Journal) -> None:
    """Stop what a killed predecessor left running outside the live slot."""
    live = slots.find_live(inputs.own)
    for slot in slots.list_slots(inputs.own):
        left = live is None or slot.name != live.name
        if left and slots.stop(slot, inputs.stop_timeout_seconds):
            journal.effect("slot {} was left by an earlier run and is stopped".format(slot.name))


def _record(inputs: Inputs) -> None:
    state = durable_files.read_json(inputs.own.state)
    if state is not None:
        durable_files.write_json(inputs.own.state, dict(state, wanted="stopped", live=None, identity=None))
