"""Start the wanted release where nothing serves; the parts of it that replacing needs too."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator

from ..content import images, packages, releases
from ..failures import HostError
from ..fence import Fence
from ..inputs import Inputs, Package
from ..journal import Journal
from ..machine import durable_files, ports
from ..observing import proofs
from ..proving import gates, golden, smoke
from ..running import boot, configuring, slots
from ..switching import haproxy, traffic, traffic_kinds


@dataclass(frozen=True)
class Work:
    """One changing action under its held fence."""

    inputs: Inputs
    package: Package
    journal: Journal
    fence: Fence


def launch(work: Work) -> dict[str, Any]:
    """Start the wanted release on the stable port, or behind a proxy that holds it from the start.

    The first failed launch of a deployment leaves only the tombstone; later ones leave what was recorded and its slot.

    Returns:
        The identity that serves.

    Raises:
        HostError: It could not be started, or did not pass a gate.
        SupersededError: Somebody newer has come.
    """
    inputs = work.inputs
    traffic_kinds.choose(inputs)  # what it refuses it refuses before anything is changed
    state = durable_files.read_json(inputs.own.state)
    slot = _free_slot(work, state)
    try:
        with work.journal.step("install"):
            install(work)
        with work.journal.step("start"):
            config = _start_anew(work, slot)
            work.journal.effect("slot {} started on port {}".format(slot.name, config["port"]))
        with work.journal.step("gate"), explained(work, slot):
            exam = golden.exam(work.journal, inputs.ready_timeout_seconds)
            identity = gates.pass_all(slot, inputs.ready_timeout_seconds, inputs.minimum_healthy_seconds, exam)
        work.fence.check()
        traffic.open_to(inputs.own, slot)
    except BaseException:
        _withdraw(work, slot, first=state is None)
        raise
    write_state(inputs, identity, start_seconds(work))
    settle(work)
    return identity


@contextmanager
def explained(work: Work, slot: slots.Slot) -> Iterator[None]:
    """Find out what is behind a model that does not come up.

    Raises:
        HostError: `artifact` when the package's files on this host are not those of its digest any more, else as it was.
        OSError: The disk is full.
    """
    try:
        yield
    except HostError as error:
        packages.refuse_damaged(work.inputs.layout, work.package.digest)
        if error.cause == "not_ready":
            slots.require_room(slot)
        error.evidence += proofs.of_slot(slot, error.evidence)
        raise


def install(work: Work) -> None:
    """Install the wanted release; changes nothing when it is there.

    Raises:
        HostError: The role `package` did not run before.
    """
    packages.require(work.inputs.layout, work.package.digest)
    if releases.install(work.inputs, work.package):
        work.journal.effect("release {} installed".format(work.inputs.generation))


def _start_anew(work: Work, slot: slots.Slot) -> dict[str, Any]:
    inputs = work.inputs
    proxied = traffic_kinds.choose(inputs).kind != traffic_kinds.NONE
    with durable_files.locked(inputs.layout.path("ports.lock")):
        work.fence.check()
        traffic.stop_proxy(inputs.own)  # a dead deployment's: it leads nowhere, and holds the port
        port = _stable_port(work)
        config = _configure_behind(work, slot, port) if proxied else configure(work, slot, port)
        if proxied:
            traffic.start_proxy(inputs.own, config, live=None)
        slots.start(slot, config)
    slots.wait_supervised(slot)
    return config


def _configure_behind(work: Work, slot: slots.Slot, stable_port: int) -> dict[str, Any]:
    inputs = work.inputs
    port = ports.choose(inputs.layout, inputs.deployment_id, haproxy.SLOT_ADDRESS, {stable_port})
    return configure(work, slot, port, stable_port=stable_port)


def configure(
    work: Work, slot: slots.Slot, port: int, bind_wait_seconds: float = 0.0, *, stable_port: int = 0
) -> dict[str, Any]:
    """Return what shall run in a slot.

    Args:
        work: Names the release.
        slot: Where.
        port: On which it listens.
        bind_wait_seconds: How long its server waits for that port to become free.
        stable_port: Of the proxy before it, so that it listens on loopback only; 0: there is none.

    Raises:
        HostError: The package's manifest is wrong, or what its runtime needs is not there.
    """
    config = configuring.configure(work.inputs, work.package, work.journal, slot, port, stable_port=stable_port)
    return dict(config, bind_wait_seconds=bind_wait_seconds)


def write_state(inputs: Inputs, identity: dict[str, Any], seconds: float | None) -> None:
    """Write down what was proved, and how long its server took to start (None: as before)."""
    before = durable_files.read_json(inputs.own.state) or {}
    value = {
        "schema": 1,
        "wanted": "running",
        "traffic": traffic_kinds.kind_of(slots.find(inputs.own, identity["slot"]).config),
        "start_seconds": before.get("start_seconds") if seconds is None else seconds,
        "stable_port": identity["port"],
        "live": {"slot": identity["slot"], "generation": identity["generation"], "digest": identity["digest"]},
        "identity": identity,
        "proved_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    durable_files.write_json(inputs.own.state, value)


def start_seconds(work: Work) -> float | None:
    """Return how long the server took from its start until it had passed its gates; None when that was not measured."""
    steps: dict[str, float] = {step["name"]: step["seconds"] for step in work.journal.steps}
    if "gate" not in steps:
        return None
    return round(max(0.0, steps["start"] + steps["gate"] - work.inputs.minimum_healthy_seconds), 2)


def settle(work: Work) -> None:
    """Do what follows a proof: keep the last releases, and see to the next boot."""
    inputs = work.inputs
    releases.prune(inputs.own)
    if not inputs.port:
        work.journal.note("port_chosen")
    if not smoke.find(inputs.layout.package(work.package.digest)):
        work.journal.note("smoke_skipped")
    for name in images.prune(inputs.layout):
        work.journal.effect("image {} removed, which no release needs".format(name))
    if not (inputs.boot_start and boot.arrange(inputs.own, inputs.layout, work.journal)):
        work.journal.note("no_boot_start")


def _free_slot(work: Work, state: dict[str, Any] | None) -> slots.Slot:
    recorded = ((state or {}).get("live") or {}).get("slot")
    return slots.find(work.inputs.own, "b" if recorded == "a" else "a")


def _withdraw(work: Work, slot: slots.Slot, first: bool) -> None:
    traffic.stop_proxy(work.inputs.own)
    if slots.stop(slot, work.inputs.stop_timeout_seconds):
        work.journal.effect("slot {} stopped".format(slot.name))
    if first:
        releases.forget(work.inputs.own, work.inputs.layout)
        work.journal.effect("the deployment is forgotten but for its tombstone")


def _stable_port(work: Work) -> int:
    inputs = work.inputs
    if inputs.port:
        ports.require_free(inputs.bind_address, inputs.port)
        return inputs.port
    recorded = int((durable_files.read_json(inputs.own.state) or {}).get("stable_port") or 0)
    if recorded and ports.is_free(inputs.bind_address, recorded):
        return recorded
    return ports.choose(inputs.layout, inputs.deployment_id, inputs.bind_address, set())
