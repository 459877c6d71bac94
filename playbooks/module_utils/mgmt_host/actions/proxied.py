"""Replace a model behind its proxy: nobody waits for a port, and no request is lost.

```
 old serves --new beside it, gated--> new ready, old drains --recorded--> old has nothing open --> old stops
     |            '--failed--> failed, old never touched   |
     '------------------------- rolled_back <-- old ready, new stops, failed before the record
```
A deployment that ran without a proxy, or behind one of another kind, is moved by its first replacement, once with a gap.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

from ..failures import HostError
from ..machine import durable_files, ports
from ..proving import gates, golden
from ..running import slots
from ..switching import haproxy, receipts, traffic, traffic_kinds
from . import launching, restoring
from .launching import Work


def replace(work: Work, live: slots.Slot, prober: receipts.Prober, healthy_seconds: float) -> dict[str, Any]:
    """Start the wanted release beside the one that serves, gate it, and give it the requests.

    Args:
        work: Names the release.
        live: Serves now, behind a proxy or not.
        prober: Asks meanwhile.
        healthy_seconds: How long the new model must stay ready before it gets requests.

    Returns:
        The identity that serves.

    Raises:
        HostError: It failed before the old model was touched.
        RestoreError: It failed afterwards.
        SupersededError: Somebody newer has come.
    """
    new = slots.find(work.inputs.own, "b" if live.name == "a" else "a")
    try:
        with work.journal.step("install"):
            launching.install(work)
        with work.journal.step("start"):
            _start(work, live, new)
        with work.journal.step("gate"), launching.explained(work, new):
            exam = golden.exam(work.journal, work.inputs.ready_timeout_seconds, live)
            identity = gates.pass_all(new, work.inputs.ready_timeout_seconds, healthy_seconds, exam)
        work.fence.check()
    except BaseException:
        _stop(work, new)
        raise
    failed = _switch(work, live, new, identity, prober)
    if failed is not None:
        raise failed
    if _moves(work, live):
        work.journal.note("moved_to_{}".format(traffic_kinds.choose(work.inputs).kind))
    else:
        _retire(work, live)
    launching.settle(work)
    prober.watch_after(work.inputs.minimum_healthy_seconds)
    return identity


def _start(work: Work, live: slots.Slot, new: slots.Slot) -> None:
    inputs, stable_port = work.inputs, live.stable_port
    with durable_files.locked(inputs.layout.path("ports.lock")):
        work.fence.check()
        avoid = {stable_port, inputs.port}
        port = ports.choose(inputs.layout, inputs.deployment_id, haproxy.SLOT_ADDRESS, avoid)
        slots.start(new, launching.configure(work, new, port, stable_port=stable_port))
    slots.wait_supervised(new)
    work.journal.effect("slot {} started on port {} beside slot {}".format(new.name, port, live.name))


def _moves(work: Work, live: slots.Slot) -> bool:
    return traffic_kinds.kind_of(live.config) != traffic_kinds.choose(work.inputs).kind


def _switch(
    work: Work, live: slots.Slot, new: slots.Slot, identity: dict[str, Any], prober: receipts.Prober
) -> restoring.RestoreError | None:
    own = work.inputs.own
    with work.journal.step("switch"), ExitStack() as stack:
        give_back_room = stack.enter_context(durable_files.spare_room(own.spare))
        prober.enter(receipts.DURING)
        try:
            _move_in(work, live, new) if _moves(work, live) else _lead(work, live, new)
            launching.write_state(work.inputs, identity, launching.start_seconds(work))
        except (HostError, OSError) as reason:
            give_back_room()
            return restoring.RestoreError(reason, _take_back(work, live, new))
    return None


def _lead(work: Work, live: slots.Slot, new: slots.Slot) -> None:
    traffic.open_to(work.inputs.own, new)
    work.journal.effect("slot {} gets the requests, slot {} drains".format(new.name, live.name))


def _move_in(work: Work, live: slots.Slot, new: slots.Slot) -> None:
    own = work.inputs.own
    traffic.close(own, work.inputs.drain_timeout_seconds)  # of another kind
    slots.stop(live, work.inputs.stop_timeout_seconds)
    work.journal.effect("slot {} stopped, a proxy takes port {}".format(live.name, live.stable_port))
    traffic.start_proxy(own, new.config, new)
    traffic.require_stable(own, new)


def _retire(work: Work, live: slots.Slot) -> None:
    inputs = work.inputs
    with work.journal.step("drain"):
        left = traffic.retire(inputs.own, live, inputs.drain_timeout_seconds)
        if left:
            work.journal.effect("{} requests of slot {} were cut".format(left, live.name))
            work.journal.note("drain_cut")
        work.fence.check()
        _stop(work, live)


def _take_back(work: Work, live: slots.Slot, new: slots.Slot) -> dict[str, Any] | None:
    identity = None
    with suppress(HostError, OSError):  # said by the outcome: degraded, unless the old model was proved before
        if not _moves(work, live):
            identity = _lead_back(work, live)
            traffic.retire(work.inputs.own, new, work.inputs.drain_timeout_seconds)
        _stop(work, new)
        if _moves(work, live):
            traffic.stop_proxy(work.inputs.own)
            identity = restoring.bring_back(work.inputs, live)
    work.journal.effect(restoring.came_back(live, identity))
    return identity


def _lead_back(work: Work, live: slots.Slot) -> dict[str, Any]:
    own = work.inputs.own
    try:
        traffic.open_to(own, live)
    except OSError:
        work.journal.note("traffic_not_recorded")  # a full disk keeps no request from the old model
    traffic.require_stable(own, live)
    return gates.prove_identity(live)


def _stop(work: Work, slot: slots.Slot) -> None:
    if slots.stop(slot, work.inputs.stop_timeout_seconds):
        work.journal.effect("slot {} stopped".format(slot.name))
