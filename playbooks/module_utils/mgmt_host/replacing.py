"""Put another release in the place of the one that serves; the old one comes back when that fails.

```
 old serves --new beside it, gated--> switch --gated again--> new serves
     |            '--failed--> failed, old never touched          |
     '----------------------- rolled_back <--old came back-- failed --old does not answer--> degraded
```
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Iterator

from . import durable_files, gates, golden, http_probe, launching, ports, receipts, slots
from .failures import HostError
from .launching import Work

BIND_WAIT_SECONDS = 60.0


class RestoreError(Exception):
    """The switch failed after the old model was stopped.

    Attributes:
        reason: Why.
        identity: Of the old model when it serves again; None when neither answers.
    """

    def __init__(self, reason: HostError | OSError, identity: dict[str, Any] | None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.identity = identity


def replace(work: Work, live: slots.Slot) -> dict[str, Any]:
    """Gate the new release on a port of its own, then switch; the journal gets the receipt, also when it fails.

    Returns:
        The identity that serves.

    Raises:
        HostError: It failed before the old model was touched.
        RestoreError: It failed afterwards.
        SupersededError: Somebody newer has come before the switch.
    """
    new = _other(work, live)
    with _probing(work, live) as prober:
        try:
            with work.journal.step("install"):
                launching.install(work)
            with work.journal.step("start"):
                _start_candidate(work, new)
            with work.journal.step("gate"), launching.explained(work, new):
                exam = golden.exam(work.journal, work.inputs.ready_timeout_seconds, live)
                gates.pass_all(new, work.inputs.ready_timeout_seconds, work.inputs.minimum_healthy_seconds, exam)
        finally:
            _stop(work, new)
        return switch(work, live, new, prober)


def relaunch(work: Work, live: slots.Slot) -> dict[str, Any]:
    """Make the wanted release serve anew in the place of the one that serves; tells and raises as `replace` does."""
    with _probing(work, live) as prober:
        with work.journal.step("install"):
            launching.install(work)
        return switch(work, live, _other(work, live), prober)


def switch(work: Work, live: slots.Slot, new: slots.Slot, prober: receipts.Prober) -> dict[str, Any]:
    """Stop the old release and let the new one, loaded already, take the stable port; raises as `replace` does."""
    port = int(live.config["port"])
    failed: tuple[HostError | OSError, dict[str, Any] | None] | None = None
    identity: dict[str, Any] = {}
    with work.journal.step("switch"), ExitStack() as stack:
        give_back_room = stack.enter_context(durable_files.spare_room(work.inputs.own.spare))
        _load_beside(work, new, port)
        prober.enter(receipts.DURING)
        try:
            slots.stop(live, work.inputs.stop_timeout_seconds)
            work.journal.effect("slot {} stopped, slot {} takes port {}".format(live.name, new.name, port))
            with launching.explained(work, new):
                exam = None if work.journal.golden else golden.exam(work.journal, work.inputs.ready_timeout_seconds)
                identity = gates.pass_all(new, work.inputs.ready_timeout_seconds, exam=exam)
            launching.write_state(work.inputs, identity)
        except (HostError, OSError) as reason:
            give_back_room()
            failed = reason, _restore(work, live, new)
    if failed is not None:
        raise RestoreError(*failed)
    launching.settle(work)
    prober.watch_after(work.inputs.minimum_healthy_seconds)
    return identity


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
        identity = bring_back(recorded, inputs.stop_timeout_seconds, inputs.ready_timeout_seconds)
        work.journal.effect(_came_back(recorded, identity))
    raise RestoreError(reason, identity)


def bring_back(slot: slots.Slot, stop_seconds: float, ready_seconds: float) -> dict[str, Any] | None:
    """Start what last ran in a slot again, on the same port; None when it does not pass its gates."""
    config = dict(slot.config, bind_wait_seconds=BIND_WAIT_SECONDS)
    try:
        slots.start(slot, config)
        slots.wait_supervised(slot)
        return gates.pass_all(slot, ready_seconds)
    except (HostError, OSError):
        slots.stop(slot, stop_seconds)
        return None


@contextmanager
def _probing(work: Work, live: slots.Slot) -> Iterator[receipts.Prober]:
    address = http_probe.local_address(work.inputs.bind_address)
    prober = receipts.Prober(address, int(live.config["port"]), live.served.health_path)
    try:
        with prober:
            yield prober
    finally:
        work.journal.receipt = prober.receipt()


def _other(work: Work, live: slots.Slot) -> slots.Slot:
    return slots.find(work.inputs.own, "b" if live.name == "a" else "a")


def _start_candidate(work: Work, new: slots.Slot) -> None:
    inputs = work.inputs
    with durable_files.locked(inputs.layout.path("ports.lock")):
        work.fence.check()
        avoid = {inputs.port} if inputs.port else set()
        port = ports.choose(inputs.layout, inputs.deployment_id, inputs.bind_address, avoid)
        slots.start(new, launching.configure(work, new, port))
    slots.wait_supervised(new)
    work.journal.effect("slot {} started on port {} for the gate".format(new.name, port))


def _load_beside(work: Work, new: slots.Slot, port: int) -> None:
    inputs = work.inputs
    try:
        work.fence.check()
        slots.start(new, launching.configure(work, new, port, BIND_WAIT_SECONDS))
        work.journal.effect("slot {} started beside slot {}".format(new.name, "b" if new.name == "a" else "a"))
        slots.wait_supervised(new)
        with launching.explained(work, new):
            gates.wait_loaded(new, inputs.ready_timeout_seconds)
        work.fence.check()
    except BaseException:
        _stop(work, new)
        raise


def _stop(work: Work, slot: slots.Slot) -> None:
    if slots.stop(slot, work.inputs.stop_timeout_seconds):
        work.journal.effect("slot {} stopped".format(slot.name))


def _restore(work: Work, live: slots.Slot, new: slots.Slot) -> dict[str, Any] | None:
    try:
        _stop(work, new)
        identity = bring_back(live, work.inputs.stop_timeout_seconds, work.inputs.ready_timeout_seconds)
    except (HostError, OSError):
        identity = None
    work.journal.effect(_came_back(live, identity))
    return identity


def _came_back(slot: slots.Slot, identity: dict[str, Any] | None) -> str:
    return "slot {} {}".format(slot.name, "came back" if identity else "did not come back")
