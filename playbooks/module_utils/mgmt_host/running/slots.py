"""Slots `a` and `b`: the two running places of a deployment, each with a carrier that keeps its server running."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from ..content import needs, serving
from ..failures import HostError, evidence
from ..layout import DeploymentLayout, Layout
from ..machine import durable_files, http_probe, processes
from ..switching import haproxy
from . import carriers, container_carrier, process_carrier, sharing
from .carrying import Carried, Place

NAMES = ("a", "b")
_ROOM_AFTER_SECONDS = 5.0
_ROOM_BYTES = 1 << 16


@dataclass(frozen=True)
class Slot(Place):
    """One running place: `a` or `b`. What runs there is asked of its carrier, which `slot.json` names."""

    @property
    def carried(self) -> Carried:
        """What its carrier knows."""
        return carriers.of(self.config).look(self)

    @property
    def process(self) -> dict[str, Any]:
        """What a supervisor of ours says; empty where it said nothing yet, or where another carrier works."""
        return process_carrier.read(self)

    @property
    def server(self) -> processes.ProcessMark | None:
        """The model server, if it lives."""
        return self.carried.server

    @property
    def supervisor(self) -> processes.ProcessMark | None:
        """The supervisor of ours, if it lives."""
        return process_carrier.find_supervisor(self)

    @property
    def running(self) -> bool:
        """Whether anything of this slot lives."""
        return self.carried.running

    @property
    def loaded(self) -> bool:
        """Whether the server has loaded its model and listens, or waits for its port."""
        return os.path.exists(os.path.join(carriers.of(self.config).folder_of(self), "loaded"))

    @property
    def served(self) -> serving.Served:
        """How its package is served."""
        return serving.of_slot(self.config)

    def log_evidence(self) -> list[dict[str, str]]:
        """Return the end of the server's log as proof."""
        config, shared = self.config, self.served.shared
        behind = sharing.log_evidence(_layout(self), shared) if shared else []
        return [
            *behind,
            evidence("log_tail", needs.redact(carriers.of(config).log_tail(self), config.get("secrets") or {})),
        ]

    @property
    def stable_port(self) -> int:
        """The port that clients know: a proxy's, or the server's own."""
        config = self.config
        return int(config.get("stable_port") or config["port"])

    def url(self) -> str:
        """Return where predictions are asked, as seen from the host itself."""
        config = self.config
        address = http_probe.local_address(config.get("stable_address", config["bind_address"]))
        path = self.served.predict_path or "/"
        return "http://{}:{}{}".format(http_probe.bracketed(address), self.stable_port, path)


def find(own: DeploymentLayout, name: str) -> Slot:
    """Return the slot of that name."""
    return Slot(name, own.slot(name))


def list_slots(own: DeploymentLayout) -> list[Slot]:
    """Return both slots."""
    return [find(own, name) for name in NAMES]


def proxy(own: DeploymentLayout) -> Slot:
    """Return the place of the deployment's proxy, which it may not have."""
    return Slot("proxy", own.slot("proxy"))


def list_places(own: DeploymentLayout) -> list[Slot]:
    """Return everything that may run of a deployment: both slots and the proxy."""
    return [*list_slots(own), proxy(own)]


def find_live(own: DeploymentLayout) -> Slot | None:
    """Return the slot that gets the requests; None when none does.

    Of two that do, or that wait for the stable port, it is the recorded one. A slot behind a proxy gets them when the proxy
    says so, and where none answers, the recorded one will.
    """
    state = durable_files.read_json(own.state) or {}
    recorded = str((state.get("live") or {}).get("slot"))
    told = haproxy.find_servers(own.traffic) if os.path.isdir(own.traffic) else None
    found = [slot for slot in list_slots(own) if slot.running and _is_led_to(slot, state, recorded, told)]
    return next((slot for slot in found if slot.name == recorded), found[0] if found else None)


def _is_led_to(slot: Slot, state: dict[str, Any], recorded: str, told: dict[str, haproxy.Server] | None) -> bool:
    config = slot.config
    if not config.get("stable_port"):
        return bool(config.get("port") == state.get("stable_port"))
    if told is None:
        return slot.name == recorded and config["stable_port"] == state.get("stable_port")
    server = told.get(slot.name)
    return server is not None and (server.state, server.port) == (haproxy.READY, config["port"])


def start(slot: Slot, config: dict[str, Any]) -> None:
    """Run a configuration in the slot by the carrier that it names; does not wait for the server.

    Raises:
        HostError: It could not be started, or what ran in the slot does not end.
        OSError: The configuration cannot be written.
    """
    before, carrier = carriers.of(slot.config), carriers.of(config)
    if before is not carrier:
        stop(slot, float(config.get("stop_timeout_seconds", 10.0)))
    shared = (config.get("served") or {}).get("shared")
    if shared:
        sharing.enter(_layout(slot), shared)
    carrier.start(slot, config)


def take_port(slot: Slot) -> None:
    """Let a container that waits for its port have it; a server that is a process waits by itself.

    Raises:
        HostError: The port does not become free, or the engine refuses.
    """
    carrier = carriers.of(slot.config)
    if isinstance(carrier, container_carrier.ContainerCarrier):
        carrier.take_port(slot)


def prove_shared(slot: Slot, thorough: bool) -> dict[str, str]:
    """Return what `sharing.prove` does of the container that a slot shares; empty where it shares none.

    Raises:
        HostError: It is gone, or serves another model.
    """
    shared = slot.served.shared
    return sharing.prove(_layout(slot), shared, thorough) if shared else {}


def supervise(slot: Slot) -> None:
    """Start a supervisor of ours on the slot's present configuration.

    Raises:
        HostError: It could not be started.
    """
    process_carrier.supervise(slot)


def stop(slot: Slot, seconds: float) -> bool:
    """Stop what runs in the slot; it is gone when this returns, also a server that nobody had seen yet.

    Returns:
        Whether anything ran.

    Raises:
        HostError: It cannot be killed.
    """
    ran = os.path.isdir(slot.folder) and carriers.of(slot.config).stop(slot, seconds)
    deployment_id = os.path.basename(os.path.dirname(os.path.dirname(slot.folder)))
    return sharing.leave(_layout(slot), sharing.entry_of(deployment_id, slot.name)) or ran


def _layout(slot: Slot) -> Layout:
    return Layout(os.path.abspath(os.path.join(slot.folder, *[os.pardir] * 4)))


def wait_supervised(slot: Slot, seconds: float = 30.0) -> None:
    """Wait until the slot's carrier has taken its configuration up.

    Raises:
        HostError: It did not.
        OSError: It could not, because the disk refuses.
    """
    began = time.monotonic()
    while not slot.carried.known:
        waited = time.monotonic() - began
        if waited >= _ROOM_AFTER_SECONDS:
            require_room(slot)
        if waited >= seconds:
            raise HostError("not_ready", "the supervisor did not come up", slot.log_evidence())
        time.sleep(0.005 if waited < _ROOM_AFTER_SECONDS else 0.1)


def require_room(slot: Slot) -> None:
    """Check that what runs in the slot can write.

    Raises:
        OSError: The disk is full, or refuses.
    """
    with durable_files.spare_room(slot.path("spare"), _ROOM_BYTES):
        return
