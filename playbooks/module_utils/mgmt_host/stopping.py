"""Stop everything of a deployment; the tombstone and the releases stay."""

from __future__ import annotations

import os
from typing import Any

from . import boot, durable_files, leftovers, releases, slots
from .fence import Fence
from .inputs import Inputs
from .journal import Journal


def stop(inputs: Inputs, journal: Journal, held: Fence) -> dict[str, Any]:
    """Stop both slots and forget them, and make sure that nothing of the deployment is left.

    Returns:
        `message`, which says so, and `evidence` of whoever else listens on a port that was the deployment's.

    Raises:
        HostError: Something cannot be stopped.
        SupersededError: Somebody newer has come.
    """
    own = inputs.own
    stopped = False
    known = _ports(inputs)
    with journal.step("stop"):
        for slot in slots.list_slots(own):
            held.check()
            if slots.stop(slot, inputs.stop_timeout_seconds):
                journal.effect("slot {} stopped".format(slot.name))
                stopped = True
        leftovers.end(own, inputs.stop_timeout_seconds, journal)
        _record(inputs)
        durable_files.remove_tree(own.slots)
        boot.withdraw_when_idle(inputs.layout, journal)
    silence, proof = leftovers.listeners(known)
    words = ", ".join(filter(None, [silence, "no process is left"]))
    return {"message": "{}: {}".format("stopped" if stopped else "nothing was running", words), "evidence": proof}


def sweep(inputs: Inputs, journal: Journal) -> None:
    """Stop what a killed predecessor left running outside the live slot, and remove what it left half-made."""
    clear(inputs)
    live = slots.find_live(inputs.own)
    for slot in slots.list_slots(inputs.own):
        left = live is None or slot.name != live.name
        if left and slots.stop(slot, inputs.stop_timeout_seconds):
            journal.effect("slot {} was left by an earlier run and is stopped".format(slot.name))


def clear(inputs: Inputs) -> None:
    """Remove what a killed predecessor left half-made."""
    releases.sweep(inputs.own)
    if os.path.exists(inputs.own.spare):
        os.unlink(inputs.own.spare)


def _ports(inputs: Inputs) -> list[int]:
    """Return the ports on which the deployment listens, or did: the stable one first."""
    state = durable_files.read_json(inputs.own.state) or {}
    found = [state.get("stable_port"), *(slot.config.get("port") for slot in slots.list_slots(inputs.own))]
    return list(dict.fromkeys(int(port) for port in found if port))


def _record(inputs: Inputs) -> None:
    state = durable_files.read_json(inputs.own.state)
    if state is not None:
        durable_files.write_json(inputs.own.state, dict(state, wanted="stopped", live=None, identity=None))
