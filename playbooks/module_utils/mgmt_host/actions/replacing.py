"""Put another release in the place of the one that serves; the old one comes back when that fails.

```
 old serves --new beside it, gated--> switch --gated again--> new serves
     |            '--failed--> failed, old never touched          |
     '----------------------- rolled_back <--old came back-- failed --old does not answer--> degraded
```
This is traffic kind `none`, where the new server takes the port of the old one; `proxied` does it behind a proxy, and
`stopping_first` where memory is too short for two.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Iterator

from ..failures import HostError
from ..machine import durable_files, http_probe, ports
from ..proving import gates, golden
from ..running import slots
from ..switching import receipts, traffic, traffic_kinds
from . import capacity, launching, proxied, stopping_first
from .launching import Work
from .restoring import BIND_WAIT_SECONDS, RestoreError, bring_back, came_back


def replace(work: Work, live: slots.Slot) -> dict[str, Any]:
    """Gate the new release on a port of its own, then switch; the journal gets the receipt, also when it fails.

    Returns:
        The identity that serves.

    Raises:
        HostError: It failed before the old model was touched.
        RestoreError: It failed afterwards.
        SupersededError: Somebody newer has come before the switch.
    """
    healthy_seconds, way = work.inputs.minimum_healthy_seconds, capacity.way_for(live)
    with _probing(work, live) as prober:
        if way.name == capacity.STOP_FIRST:
            return stopping_first.replace(work, live, prober, healthy_seconds, way.why)
        if _is_proxied(work):
            return proxied.replace(work, live, prober, healthy_seconds)
        new = _other(work, live)
        try:
            with work.journal.step("install"):
                launching.install(work)
            with work.journal.step("start"):
                _start_candidate(work, new)
            with work.journal.step("gate"), launching.explained(work, new):
                exam = golden.exam(work.journal, work.inputs.ready_timeout_seconds, live)
                gates.pass_all(new, work.inputs.ready_timeout_seconds, healthy_seconds, exam)
        finally:
            _stop(work, new)
        return switch(work, live, new, prober)


def relaunch(work: Work, live: slots.Slot) -> dict[str, Any]:
    """Make the wanted release serve anew in the place of the one that serves; tells and raises as `replace` does."""
    way = capacity.way_for(live)
    with _probing(work, live) as prober:
        if way.name == capacity.STOP_FIRST:
            return stopping_first.replace(work, live, prober, 0.0, way.why)
        if _is_proxied(work):
            return proxied.replace(work, live, prober, healthy_seconds=0.0)
        with work.journal.step("install"):
            launching.install(work)
        return switch(work, live, _other(work, live), prober)


def switch(work: Work, live: slots.Slot, new: slots.Slot, prober: receipts.Prober) -> dict[str, Any]:
    """Stop the old release and let the new one, loaded already, take the stable port; raises as `replace` does."""
    failed: tuple[HostError | OSError, dict[str, Any] | None] | None = None
    identity: dict[str, Any] = {}
    with work.journal.step("switch"), ExitStack() as stack:
        give_back_room = stack.enter_context(durable_files.spare_room(work.inputs.own.spare))
        _load_beside(work, new, live.stable_port)
        prober.enter(receipts.DURING)
        try:
            _stop_old(work, live, new)
            with launching.explained(work, new):
                exam = None if work.journal.golden else golden.exam(work.journal, work.inputs.ready_timeout_seconds)
                identity = gates.pass_all(new, work.inputs.ready_timeout_seconds, exam=exam)
            launching.write_state(work.inputs, identity, launching.start_seconds(work))
        except (HostError, OSError) as reason:
            give_back_room()
            failed = reason, _restore(work, live, new)
    if failed is not None:
        raise RestoreError(*failed)
    launching.settle(work)
    prober.watch_after(work.inputs.minimum_healthy_seconds)
    return identity


@contextmanager
def _probing(work: Work, live: slots.Slot) -> Iterator[receipts.Prober]:
    config = live.config
    address = http_probe.local_address(config.get("stable_address", config["bind_address"]))
    prober = receipts.Prober(address, live.stable_port, live.served.health_path)
    try:
        with prober:
            yield prober
    finally:
        work.journal.receipt = prober.receipt()


def _is_proxied(work: Work) -> bool:
    return traffic_kinds.choose(work.inputs).kind != traffic_kinds.NONE


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


def _stop_old(work: Work, live: slots.Slot, new: slots.Slot) -> None:
    inputs = work.inputs
    if traffic.close(inputs.own, inputs.drain_timeout_seconds):
        work.journal.note("moved_to_none")
    slots.stop(live, inputs.stop_timeout_seconds)
    work.journal.effect("slot {} stopped, slot {} takes port {}".format(live.name, new.name, live.stable_port))


def _stop(work: Work, slot: slots.Slot) -> None:
    if slots.stop(slot, work.inputs.stop_timeout_seconds):
        work.journal.effect("slot {} stopped".format(slot.name))


def _restore(work: Work, live: slots.Slot, new: slots.Slot) -> dict[str, Any] | None:
    try:
        _stop(work, new)
        identity = bring_back(work.inputs, live)
    except (HostError, OSError):
        identity = None
    work.journal.effect(came_back(live, identity))
    return identity
