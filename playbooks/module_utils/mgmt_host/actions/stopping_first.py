"""Replace a model where two do not fit: the old one stops before the new one starts, and comes back when that fails.

```
 old serves --stopped--> new starts, gated --> new gets the requests
                |                '--failed--> old starts again: rolled_back, or degraded when it does not come back
                '-- behind a proxy requests wait meanwhile, 30 s at most
```
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from ..failures import HostError
from ..machine import durable_files, ports
from ..proving import gates, golden
from ..running import slots
from ..switching import haproxy, receipts, traffic, traffic_kinds
from . import launching, restoring
from .launching import Work

NOTE = "stopped_first"


def replace(work: Work, live: slots.Slot, prober: receipts.Prober, healthy_seconds: float, why: str) -> dict[str, Any]:
    """Stop the model that serves, then start, gate and lead to the wanted release.

    Args:
        work: Names the release.
        live: Serves now.
        prober: Asks meanwhile.
        healthy_seconds: How long the new model must stay ready before it gets requests.
        why: Two do not fit, for people.

    Returns:
        The identity that serves.

    Raises:
        HostError: It failed before the old model was touched.
        RestoreError: It failed afterwards.
        SupersededError: Somebody newer has come.
    """
    new = slots.find(work.inputs.own, "b" if live.name == "a" else "a")
    with work.journal.step("install"):
        launching.install(work)
    work.fence.check()
    work.journal.note(NOTE)
    with ExitStack() as stack:
        give_back_room = stack.enter_context(durable_files.spare_room(work.inputs.own.spare))
        prober.enter(receipts.DURING)
        try:
            identity = _change_over(work, live, new, healthy_seconds, why)
        except (HostError, OSError) as reason:
            give_back_room()
            raise restoring.RestoreError(reason, _take_back(work, live, new)) from reason
    launching.settle(work)
    prober.watch_after(work.inputs.minimum_healthy_seconds)
    return identity


def _change_over(work: Work, live: slots.Slot, new: slots.Slot, healthy_seconds: float, why: str) -> dict[str, Any]:
    inputs = work.inputs
    with work.journal.step("start"):
        _make_room(work, live)
        work.journal.effect("slot {} stopped first: {}".format(live.name, why))
        port = _start(work, live, new)
        work.journal.effect("slot {} started on port {}".format(new.name, port))
    with work.journal.step("gate"), launching.explained(work, new):
        exam = golden.exam(work.journal, inputs.ready_timeout_seconds)
        identity = gates.pass_all(new, inputs.ready_timeout_seconds, healthy_seconds, exam)
    with work.journal.step("switch"):
        work.fence.check()
        traffic.open_to(inputs.own, new)
        launching.write_state(inputs, identity, launching.start_seconds(work))
    return identity


def _make_room(work: Work, live: slots.Slot) -> None:
    inputs = work.inputs
    kind = traffic_kinds.choose(inputs).kind
    if kind != traffic_kinds.kind_of(live.config):
        if traffic.close(inputs.own, inputs.drain_timeout_seconds):
            work.journal.note("moved_to_{}".format(kind))
    elif traffic.hold(inputs.own, live, inputs.drain_timeout_seconds):
        work.journal.note("drain_cut")
    slots.stop(live, inputs.stop_timeout_seconds)


def _start(work: Work, live: slots.Slot, new: slots.Slot) -> int:
    inputs, stable_port = work.inputs, live.stable_port
    proxied = traffic_kinds.choose(inputs).kind != traffic_kinds.NONE
    with durable_files.locked(inputs.layout.path("ports.lock")):
        work.fence.check()
        port = stable_port
        if proxied:
            port = ports.choose(inputs.layout, inputs.deployment_id, haproxy.SLOT_ADDRESS, {stable_port, inputs.port})
        slots.start(new, launching.configure(work, new, port, stable_port=stable_port if proxied else 0))
    slots.wait_supervised(new)
    return port


def _take_back(work: Work, live: slots.Slot, new: slots.Slot) -> dict[str, Any] | None:
    try:
        if slots.stop(new, work.inputs.stop_timeout_seconds):
            work.journal.effect("slot {} stopped".format(new.name))
        identity = restoring.bring_back(work.inputs, live)
    except (HostError, OSError):
        identity = None
    work.journal.effect(restoring.came_back(live, identity))
    return identity
