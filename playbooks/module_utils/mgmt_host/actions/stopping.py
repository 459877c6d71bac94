"""Stop everything of a deployment; the tombstone and the releases stay."""

from __future__ import annotations

import os
from typing import Any

from ..content import releases
from ..failures import HostError
from ..fence import Fence
from ..inputs import Inputs
from ..journal import Journal
from ..layout import DeploymentLayout
from ..machine import durable_files
from ..observing import leftovers
from ..running import boot, slots
from ..switching import haproxy, traffic, traffic_kinds

_STOP = "deployment_stop"


def stop(inputs: Inputs, journal: Journal, held: Fence) -> dict[str, Any]:
    """Stop both slots and the proxy, forget them, and make sure that nothing of the deployment is left.

    The proxy takes nothing new, the models end what they have, and then the proxy ends.

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
        _take_nothing_new(inputs)
        for slot in slots.list_places(own):
            held.check()
            if slots.stop(slot, inputs.stop_timeout_seconds):
                journal.effect("slot {} stopped".format(slot.name))
                stopped = True
        leftovers.end(own, inputs.stop_timeout_seconds, journal)
        _record(inputs)
        for folder in (own.slots, own.traffic):
            durable_files.remove_tree(folder)
        boot.withdraw_when_idle(inputs.layout, journal)
    silence, proof = leftovers.listeners(known)
    words = ", ".join(filter(None, [silence, "no process is left"]))
    return {"message": "{}: {}".format("stopped" if stopped else "nothing was running", words), "evidence": proof}


def sweep(inputs: Inputs, journal: Journal) -> None:
    """Stop what a killed predecessor left running outside the live slot, and remove what it left half-made.

    A switch of which the proxy knows is finished, and one that was killed before is taken back: what has requests to
    answer gets its time, the proxy runs, and leads to the live slot alone.
    """
    clear(inputs)
    own = inputs.own
    live = slots.find_live(own)
    for slot in slots.list_slots(own):
        if live is None or slot.name != live.name:
            _end_left(inputs, journal, slot)
    proxied = live is not None and traffic_kinds.is_proxied(live.config)
    if not proxied and slots.stop(slots.proxy(own), inputs.stop_timeout_seconds):
        journal.effect("the proxy was left by an earlier run and is stopped")
    if live is not None and inputs.action != _STOP and _open(own, live):
        journal.effect("the proxy did not run and is started")


def _end_left(inputs: Inputs, journal: Journal, slot: slots.Slot) -> None:
    traffic.retire(inputs.own, slot, 0.0 if inputs.action == _STOP else inputs.drain_timeout_seconds)
    if slots.stop(slot, inputs.stop_timeout_seconds):
        journal.effect("slot {} was left by an earlier run and is stopped".format(slot.name))


def _open(own: DeploymentLayout, live: slots.Slot) -> bool:
    try:
        return traffic.open_to(own, live)
    except (HostError, OSError):
        return False  # what comes next finds that nobody answers at the stable address, and does something about it


def _take_nothing_new(inputs: Inputs) -> None:
    try:
        haproxy.close_stable_port(inputs.own.traffic)
    except HostError:
        return  # there is none, or it does not answer: it is stopped all the same


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
