"""Bring the old model back when a replacement fails, or was killed half-way."""

from __future__ import annotations

from typing import Any

from ..failures import HostError
from ..inputs import Inputs
from ..machine import durable_files
from ..proving import gates
from ..running import slots
from ..switching import traffic, traffic_kinds
from .launching import Work

BIND_WAIT_SECONDS = 60.0


class RestoreError(Exception):
    """The switch failed after traffic had begun to move.

    Attributes:
        reason: Why.
        identity: Of the old model when it serves again; None when neither answers.
    """

    def __init__(self, reason: HostError | OSError, identity: dict[str, Any] | None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.identity = identity


def rescue(work: Work, reason: HostError | OSError) -> None:
    """Bring back what was recorded as wanted when the work failed and nobody serves, as after a predecessor's death.

    Raises:
        RestoreError: Nobody served; it says whether the old model does now.
    """
    inputs = work.inputs
    state = durable_files.read_json(inputs.own.state) or {}
    if state.get("wanted") != "running" or slots.find_live(inputs.own) is not None:
        return
    recorded = slots.find(inputs.own, state["live"]["slot"])
    if recorded.config.get("generation") != state["live"]["generation"]:
        return
    with work.journal.step("restore"):
        identity = bring_back(inputs, recorded)
        work.journal.effect(came_back(recorded, identity))
    raise RestoreError(reason, identity)


def bring_back(inputs: Inputs, slot: slots.Slot) -> dict[str, Any] | None:
    """Start what last ran in a slot again, on the same port and with the same traffic.

    Returns:
        Its identity; None when it does not pass its gates, or the stable address does not lead to it.
    """
    config = dict(slot.config, bind_wait_seconds=BIND_WAIT_SECONDS)
    try:
        if traffic_kinds.kind_of(config) == traffic_kinds.NONE:
            traffic.stop_proxy(inputs.own)
        slots.start(slot, config)
        slots.wait_supervised(slot)
        identity = gates.pass_all(slot, inputs.ready_timeout_seconds)
        traffic.open_to(inputs.own, slot)
    except (HostError, OSError):
        slots.stop(slot, inputs.stop_timeout_seconds)
        return None
    return identity


def came_back(slot: slots.Slot, identity: dict[str, Any] | None) -> str:
    """Return the words of the effects log."""
    return "slot {} {}".format(slot.name, "came back" if identity else "did not come back")
