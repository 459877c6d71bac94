"""Drift: how what runs on a host differs from what should run there, told apart.

| word | meaning |
|---|---|
| `stale_process` | a process of an older generation answers |
| `tampered_file` | the package's files on this host are not those of its digest |
| `foreign_process` | a process that was not started for this deployment listens where its model should |
| `missing` | nothing runs although something should |
| `wrong_model` | another package is served than the one that is wanted |
"""

from __future__ import annotations

import os

from ..failures import HostError, evidence
from ..layout import DeploymentLayout
from ..machine import durable_files, ports, processes
from ..running import slots
from ..running.slots import Slot

STALE_PROCESS = "stale_process"
TAMPERED_FILE = "tampered_file"
FOREIGN_PROCESS = "foreign_process"
MISSING = "missing"
WRONG_MODEL = "wrong_model"
KINDS = (STALE_PROCESS, TAMPERED_FILE, FOREIGN_PROCESS, MISSING, WRONG_MODEL)
_SEEN_IN_PROC = ("process", "systemd", "systemd_user")
"""Carriers whose servers listen as processes of this host; an engine's own proxy may listen for a container."""


def of_absence(own: DeploymentLayout) -> HostError:
    """Return what is behind a model that does not run although one should."""
    state = durable_files.read_json(own.state) or {}
    port = int(state.get("stable_port") or 0)
    found = _of_strangers(own, ports.listeners(port)) if port else None
    if found is not None:
        return _stranger(port, found)
    message = "no model server runs"
    if state.get("wanted") == "running":
        message = "the model server does not run; it did before: relaunch it"
    return HostError("not_ready", message, drift=MISSING)


def of_listener(slot: Slot) -> HostError:
    """Return what listens on a slot's port, which is not its own server."""
    port = int(slot.config["port"])
    return _stranger(port, _of_strangers(_own(slot), ports.listeners(port)) or FOREIGN_PROCESS)


def find_stranger(slot: Slot) -> HostError | None:
    """Return who else listens on a slot's port when its own server does not; None when nobody does, or it does itself."""
    config = slot.config
    if config.get("carrier", "process") not in _SEEN_IN_PROC or not config.get("port"):
        return None
    listening = ports.listeners(int(config["port"]))
    server = slot.server
    family = processes.family(server) if server is not None else []
    if not listening or set(listening) & set(family):
        return None
    found = _of_strangers(_own(slot), listening)
    return _stranger(int(config["port"]), found) if found is not None else None


def find_holder(own: DeploymentLayout, port: int) -> HostError | None:
    """Return who holds a stable port that is not this deployment's own proxy; None when nobody does."""
    found = _of_strangers(own, ports.listeners(port))
    return _stranger(port, found) if found is not None else None


def _own(slot: Slot) -> DeploymentLayout:
    return DeploymentLayout(os.path.dirname(os.path.dirname(slot.folder)))


def _of_strangers(own: DeploymentLayout, listening: list[int | None]) -> str | None:
    """Return what such listeners are; None when there are none, or when they are this deployment's own proxy."""
    if not listening:
        return None
    if any(pid is not None and processes.belongs_to(pid, own.slots) for pid in listening):
        return STALE_PROCESS
    ours = all(pid is not None and _is_ours(own, pid) for pid in listening)
    return None if ours else FOREIGN_PROCESS


def _is_ours(own: DeploymentLayout, pid: int) -> bool:
    held = ports.is_manager(pid) and "listen" in slots.proxy(own).config
    return held or processes.belongs_to(pid, own.folder)


def _stranger(port: int, kind: str) -> HostError:
    who = "a process of an older release" if kind == STALE_PROCESS else "another process than the model server"
    message = "{} answers on port {}".format(who, port)
    return HostError("wrong_model", message, [evidence("ss", ports.describe(port))], drift=kind)
