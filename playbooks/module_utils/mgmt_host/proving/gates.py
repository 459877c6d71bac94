"""Gates: a new model gets no traffic before it is ready, is the wanted one, and predicts."""

from __future__ import annotations

import json
import time
from typing import Any, Callable

from ..failures import HostError, evidence
from ..machine import http_probe, processes
from ..running import slots
from . import container_identity, identity, smoke

_POLL_SECONDS = 0.02
_HOLD_POLL_SECONDS = 0.1


def pass_all(
    slot: slots.Slot,
    ready_seconds: float,
    healthy_seconds: float = 0.0,
    exam: Callable[[slots.Slot], None] | None = None,
) -> dict[str, Any]:
    """Wait until the slot's server is ready, then prove what it is and that it predicts.

    Args:
        slot: Started.
        ready_seconds: How long it may take to become ready.
        healthy_seconds: How long it must then stay ready.
        exam: A further gate, see `golden.exam`.

    Returns:
        The identity that was proved, as the host contract has it.

    Raises:
        HostError: `not_ready`, `oom_killed`, `wrong_model` or `bad_prediction`.
    """
    wait_ready(slot, ready_seconds)
    proved = prove_identity(slot, remember=True)
    predict(slot)
    if exam is not None:
        exam(slot)
    hold(slot, healthy_seconds)
    return proved


def wait_loaded(slot: slots.Slot, seconds: float) -> None:
    """Wait until the server has its model in memory and waits for its port.

    Raises:
        HostError: It ended, or took too long.
    """
    deadline = time.monotonic() + seconds
    while not slot.loaded:
        _refuse_exited(slot)
        _refuse_late(slot, deadline, seconds, "did not load its model")
        time.sleep(_POLL_SECONDS)


def wait_ready(slot: slots.Slot, seconds: float) -> None:
    """Wait until the server says that it is ready.

    Raises:
        HostError: It ended, or took too long.
    """
    slots.take_port(slot)
    deadline = time.monotonic() + seconds
    while True:
        answer = ask(slot, slot.served.health_path) if slot.loaded else None
        # On a slow disk a server is ready before its supervisor has written down that it started it.
        if answer is not None and answer.status == http_probe.OK and slot.server is not None:
            return
        _refuse_broken(slot, answer)
        _refuse_exited(slot)
        _refuse_late(slot, deadline, seconds, "is not ready", answer)
        time.sleep(_POLL_SECONDS)


def require_ready(slot: slots.Slot) -> None:
    """Ask once whether the server is ready.

    Raises:
        HostError: It is not, or it ended.
    """
    answer = ask(slot, slot.served.health_path)
    if answer is None or answer.status != http_probe.OK:
        _refuse_broken(slot, answer)
        if slot.server is None:
            raise _exited(slot)
        raise HostError("not_ready", "the model server is not ready", _answer_evidence(slot, answer))


def prove_identity(slot: slots.Slot, remember: bool = False) -> dict[str, Any]:
    """Check that the server serves the slot's package and generation, and is the one that listens.

    Args:
        slot: Started, and ready.
        remember: See `identity.of_another`.

    Raises:
        HostError: `wrong_model`, or `not_ready` when it does not tell.
    """
    answer = ask(slot, "/v2/models/" + slot.config["deployment_id"]) if slot.served.ours else None
    if slot.served.ours and (answer is None or answer.status != http_probe.OK):
        raise HostError("not_ready", "the server does not tell which model it serves", _answer_evidence(slot, answer))
    server = slot.server
    if server is None:
        raise _exited(slot)
    if slot.served.container:
        return dict(identity.describe(slot, server), **container_identity.prove(slot, remember))
    if answer is not None:
        identity.of_ours(slot, server, answer)
    else:
        identity.of_another(slot, server, remember)
    return dict(identity.describe(slot, server), **slots.prove_shared(slot, remember))


def predict(slot: slots.Slot) -> None:
    """Ask for the package's smoke prediction and compare it, where the package has one.

    Raises:
        HostError: `bad_prediction`; `artifact`: what the package asks or expects cannot be.
    """
    wanted, path = smoke.find(slot.config["package_dir"]), slot.served.predict_path
    if wanted is None:
        return
    if not path:
        raise HostError("artifact", "the package has a smoke request but no serve.predict_path; correct its manifest")
    body, kind = smoke.body(wanted)
    answer = ask(slot, path, 10.0, body, kind=kind)
    if answer is None or answer.status != http_probe.OK:
        raise HostError("bad_prediction", "the smoke request was not answered", _answer_evidence(slot, answer))
    if slot.served.ours:
        fault = find_mismatch(answer.json(), wanted.get("expect") or {})
    else:
        fault = smoke.find_fault(wanted, answer.body)
    if fault:
        raise HostError("bad_prediction", "the smoke prediction is wrong: " + fault, [evidence("http", answer.text())])


def hold(slot: slots.Slot, seconds: float) -> None:
    """Check that the server stays ready for that long.

    Raises:
        HostError: It ended or stopped being ready.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        _refuse_exited(slot)
        require_ready(slot)
        time.sleep(_HOLD_POLL_SECONDS)


def find_mismatch(answer: dict[str, Any], expect: Any) -> str | None:
    """Return how a prediction differs from what is expected; None when it does not.

    Args:
        answer: Body of an inference answer.
        expect: Output name -> `{data, tolerance}`.

    Raises:
        HostError: `artifact`: the package expects something of another shape.
    """
    _refuse_malformed(expect)
    listed = answer.get("outputs")
    outputs = {str(output.get("name")): output for output in listed or [] if isinstance(output, dict)}
    for name, wanted in expect.items():
        if name not in outputs:
            return "output {} is missing".format(name)
        got, data = flatten(outputs[name].get("data")), flatten(wanted.get("data"))
        if len(got) != len(data):
            return "output {} has {} values instead of {}".format(name, len(got), len(data))
        tolerance = float(wanted.get("tolerance", smoke.DEFAULT_TOLERANCE))
        for place, (left, right) in enumerate(zip(got, data)):
            if not smoke.close(left, right, tolerance):
                return "output {}[{}] is {} instead of {}".format(name, place, left, right)
    return None


def flatten(value: Any) -> list[Any]:
    """Return the leaves of nested lists in order."""
    return [leaf for part in value for leaf in flatten(part)] if isinstance(value, list) else [value]


def ask(
    slot: slots.Slot, path: str, seconds: float = 2.0, body: bytes | None = None, *, kind: str = "application/json"
) -> http_probe.Answer | None:
    """Ask the slot's server, by the address on which the host itself reaches it."""
    config = slot.config
    address = http_probe.local_address(config["bind_address"])
    return http_probe.ask(address, int(config["port"]), path, body, seconds, kind=kind)


def _refuse_malformed(expect: Any) -> None:
    fine = isinstance(expect, dict) and all(
        isinstance(wanted, dict) and isinstance(wanted.get("tolerance", 0.0), (int, float))
        for wanted in expect.values()
    )
    if not fine:
        message = "the package's smoke.expect must map output names to {data, tolerance}; correct its manifest"
        raise HostError("artifact", message, [evidence("manifest", json.dumps(expect))])


def _refuse_broken(slot: slots.Slot, answer: http_probe.Answer | None) -> None:
    status = slot.served.broken_status
    if status and answer is not None and answer.status == status:
        message = "the server is up, and its model is broken: it answers {}".format(status)
        raise HostError("not_ready", message, _answer_evidence(slot, answer))


def _refuse_exited(slot: slots.Slot) -> None:
    if slot.carried.exits:
        raise _exited(slot)


def _exited(slot: slots.Slot) -> HostError:
    last = slot.carried.last_exit
    if not last:
        return HostError("not_ready", "the model server is still being started", slot.log_evidence())
    ending = processes.name_exit(last.get("code"))
    proof = [evidence("exit", "\n".join([ending, *filter(None, [last.get("oom_proof")])])), *slot.log_evidence()]
    if last.get("out_of_memory"):
        return HostError("oom_killed", "the kernel killed the model server: out of memory", proof)
    return HostError("not_ready", "the model server ended with {}".format(ending), proof)


def _refuse_late(
    slot: slots.Slot, deadline: float, seconds: float, what: str, answer: http_probe.Answer | None = None
) -> None:
    if time.monotonic() >= deadline:
        message = "the model server {} after {:g} s".format(what, seconds)
        raise HostError("not_ready", message, _answer_evidence(slot, answer))


def _answer_evidence(slot: slots.Slot, answer: http_probe.Answer | None) -> list[dict[str, str]]:
    said = [evidence("http", answer.text())] if answer else []
    return said + slot.log_evidence()
