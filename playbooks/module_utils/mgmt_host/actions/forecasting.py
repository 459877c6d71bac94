"""What an action would do, without doing it: the steps that would change the host, and both ends of the change."""

from __future__ import annotations

from typing import Any

from ..content import packages
from ..failures import evidence
from ..inputs import Inputs
from ..machine import durable_files
from ..running import slots
from ..switching import traffic_kinds
from . import capacity

STOPPING = ("deployment_stop", "deployment_cancel")


def forecast(inputs: Inputs, serves: bool) -> dict[str, Any]:
    """Return outcome, message and the difference as evidence; reads only.

    Args:
        inputs: What was asked.
        serves: Whether the wanted release serves already.
    """
    live = slots.find_live(inputs.own)
    stops = inputs.action in STOPPING
    changes = any(slot.running for slot in slots.list_places(inputs.own)) if stops else not serves
    if not changes:
        return {"outcome": "ok", "message": "nothing would change"}
    message = "would {}".format(", ".join(_stops() if stops else _steps(inputs, live)))
    if not stops:
        message += "; " + _traffic(inputs, live)
    difference = "- {}\n+ {}".format(_now(live), "nothing serves" if stops else _then(inputs, live))
    return {"outcome": "changed", "message": message, "evidence": [evidence("diff", difference)]}


def _stops() -> list[str]:
    return ["stop the model server"]


def _steps(inputs: Inputs, live: slots.Slot | None) -> list[str]:
    digest = inputs.package.digest if inputs.package else ""
    present = packages.is_present(inputs.layout, digest)
    steps = [] if present else ["install package {}".format(digest[:12])]
    steps.append("start generation {}".format(inputs.generation))
    if live is not None:
        steps.append("pass the gate, switch from generation {} and stop it".format(live.config.get("generation")))
    return steps


def _traffic(inputs: Inputs, live: slots.Slot | None) -> str:
    """Return how requests get to the new model, why so, and for how long they will not."""
    choice = traffic_kinds.choose(inputs)
    said = "traffic {} ({})".format(choice.kind, choice.reason)
    if live is None:
        return said
    before, way = traffic_kinds.kind_of(live.config), capacity.way_for(live)
    if before != choice.kind:
        said = "traffic {} after {} ({})".format(choice.kind, before, choice.reason)
    said = "{}, {} ({})".format(said, way.name, way.why)
    if way.name == capacity.STOP_FIRST:
        waits = before == choice.kind != traffic_kinds.NONE
        return "{}: {} {}".format(said, _start_time(inputs), "in which requests wait" if waits else "without an answer")
    if before == choice.kind == traffic_kinds.HAPROXY:
        return said + ": no request is lost"
    if before == choice.kind == traffic_kinds.SYSTEMD_SOCKET:
        return said + ": no request is refused, and connections that clients do not use are closed"
    return "{}: {} without an answer".format(said, _downtime(inputs, choice.kind))


def _downtime(inputs: Inputs, kind: str) -> str:
    ours = inputs.package is None or inputs.package.runtime == "onnx"
    if kind != traffic_kinds.NONE or ours:
        return "under a second"  # the new model is loaded before the old one lets the port go
    return _start_time(inputs)


def _start_time(inputs: Inputs) -> str:
    seconds = (durable_files.read_json(inputs.own.state) or {}).get("start_seconds")
    if not isinstance(seconds, (int, float)):
        return "as long as its server takes to start"
    return "about {:g} s, which the last one took to start,".format(seconds)


def _now(live: slots.Slot | None) -> str:
    if live is None:
        return "nothing serves"
    return "generation {}, package {}, port {}".format(
        live.config.get("generation"), str(live.config.get("digest"))[:12], live.stable_port
    )


def _then(inputs: Inputs, live: slots.Slot | None) -> str:
    port = inputs.port or (live.stable_port if live is not None else None) or "chosen by the host"
    digest = inputs.package.digest[:12] if inputs.package else ""
    return "generation {}, package {}, port {}".format(inputs.generation, digest, port)
