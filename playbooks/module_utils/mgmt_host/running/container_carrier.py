"""Carriers `docker` and `podman`: the engine keeps a slot's container running, and starts it again when it ends.

```
 start --port is free--> run                 stop --> stop, remove
   '----- port is another slot's --> waits --take_port--> run
```
A container is known by its name, which is the slot's, and by the label `nonce`, which is that of one start. It is looked for
by its name alone, so that what a killed run started is found too.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from ..failures import HostError
from ..machine import durable_files, ports, processes
from . import boot_units, container_commands, engines
from .carrying import Carried, Place
from .engines import Engine

_LATE_SECONDS = 60.0
_POLL_SECONDS = 0.02
_KILLED = 137
_RUNNING = ("running", "restarting", "paused", "stopping")
_ENDED = ("exited", "dead", "stopped")
_LOG_LINES = "200"
_LOG_CHARACTERS = 8000
_COUNTER = "/proc/vmstat"
_VERSION_2 = "/sys/fs/cgroup/cgroup.controllers"


class ContainerCarrier:
    """In a place's folder: `engine.lock`, which whoever changes the container holds; `loaded` once it was started or waits."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def comes_back(self) -> bool:
        """Docker's daemon starts its containers; podman has none, so a unit of the service manager does."""
        return self.name == "docker" or boot_units.can_enable()

    def folder_of(self, place: Place) -> str:
        """Return the place's own folder: a container reads nothing of it."""
        return place.folder

    def enforces(self) -> frozenset[str]:
        """Return what the engine may limit; without root it takes cgroups of version 2; see `Carrier`."""
        if self.name == "podman" and os.geteuid() != 0 and not os.path.exists(_VERSION_2):
            return frozenset(("gpus", "open_files"))
        return frozenset(("cpus", "gpus", "memory_bytes", "open_files"))

    def secret_path(self, place: Place, name: str, path: str) -> str:  # noqa: ARG002 - as in `Carrier`
        """Return where it is mounted in the container; see `Carrier`."""
        return container_commands.secret_path(name)

    def start(self, place: Place, config: dict[str, Any]) -> None:
        """Start the container, or leave it to `take_port` while the old one has the port; see `Carrier`."""
        engine = engines.require(self.name)
        seconds = float(config.get("stop_timeout_seconds", 10.0))
        os.makedirs(place.folder, mode=0o700, exist_ok=True)
        with durable_files.locked(place.path("engine.lock"), seconds + _LATE_SECONDS) as lock:
            if os.path.exists(place.path("loaded")):
                os.unlink(place.path("loaded"))
            self._remove(engine, place, seconds)
            count = processes.read_oom_count(_COUNTER)
            place.configure(dict(config, nonce=secrets.token_hex(8), oom_kill=count))
            if ports.is_free(config["bind_address"], int(config["port"])) or not config.get("bind_wait_seconds"):
                self._run(engine, place, lock)
        with open(place.path("loaded"), "w", encoding="ascii"):
            pass

    def take_port(self, place: Place) -> None:
        """Start a container that waited for its port; nothing to do where it was started.

        Raises:
            HostError: `port_in_use`: the port does not become free; or the engine refuses.
        """
        engine, config = engines.require(self.name), place.config
        if engine.inspect(container_commands.name_of(place.folder)) is not None or not config.get("nonce"):
            return
        deadline = time.monotonic() + float(config.get("bind_wait_seconds") or 0.0)
        while not ports.is_free(config["bind_address"], int(config["port"])) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        with durable_files.locked(place.path("engine.lock"), _LATE_SECONDS) as lock:
            self._run(engine, place, lock)

    def stop(self, place: Place, seconds: float) -> bool:
        """Stop and remove the container; see `Carrier`."""
        with durable_files.locked(place.path("engine.lock"), seconds + _LATE_SECONDS):
            if os.path.exists(place.path("loaded")):
                os.unlink(place.path("loaded"))
            return self._remove(engines.require(self.name), place, seconds)

    def look(self, place: Place) -> Carried:
        """Return what the engine says; see `Carrier`."""
        engine, config = engines.require(self.name), place.config
        found = engine.inspect(container_commands.name_of(place.folder))
        if found is None:
            return Carried(known=os.path.exists(place.path("loaded")), running=False)
        state, status = found["State"], str(found["State"].get("Status"))
        mine = is_of(found, config)
        pid = int(state.get("Pid") or 0)
        exits = int(found.get("RestartCount") or 0) + (status in _ENDED)
        return Carried(
            known=mine,
            running=status in _RUNNING,
            server=processes.find_mark(pid) if pid and mine else None,
            exits=exits,
            last_exit=_last_exit(engine, found, config) if exits else None,
        )

    def log_tail(self, place: Place) -> str:
        """Return the last lines of the container's log; see `Carrier`."""
        words = ("logs", "--tail", _LOG_LINES, container_commands.name_of(place.folder))
        done = engines.require(self.name).try_to(*words)
        return (done.text + done.complaint)[-_LOG_CHARACTERS:] if done.code == 0 else ""

    def _run(self, engine: Engine, place: Place, lock: int) -> None:
        name, config = container_commands.name_of(place.folder), place.config
        done = engine.try_to(*container_commands.run_words(engine.name, place.folder, config), lock=lock)
        if done.code != 0:
            engine.try_to("rm", "--force", "--volumes", name)
            refused = engine.refused("run", done)
            cause = "not_ready" if refused.cause == "dependency" else refused.cause
            raise HostError(cause, refused.message, refused.evidence)
        if self.name == "podman":
            seconds, at_boot = float(config.get("stop_timeout_seconds", 10.0)), bool(config.get("boot_start", True))
            boot_units.enable(name, engine.program, seconds, at_boot=at_boot)

    def _remove(self, engine: Engine, place: Place, seconds: float) -> bool:
        name = container_commands.name_of(place.folder)
        noted, found = boot_units.disable(name), engine.inspect(name)
        if found is not None:
            self._remove_container(engine, name, seconds)
        if noted:
            boot_units.end(name)
        return found is not None

    def _remove_container(self, engine: Engine, name: str, seconds: float) -> None:
        engine.try_to("stop", "--time", str(int(seconds)), name, seconds=seconds + _LATE_SECONDS)
        done = engine.try_to("rm", "--force", "--volumes", name)
        if done.code != 0 and engine.inspect(name) is not None:
            raise HostError(
                "timeout", "the container {} cannot be removed".format(name), engine.refused("rm", done).evidence
            )


DOCKER = ContainerCarrier("docker")
PODMAN = ContainerCarrier("podman")


def is_of(found: dict[str, Any], config: dict[str, Any]) -> bool:
    """Tell whether a container is the one that a slot's configuration started."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    return bool(config.get("nonce")) and labels.get(container_commands.LABEL + "nonce") == config["nonce"]


def _last_exit(engine: Engine, found: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    state = found["State"]
    code: int | None = int(state.get("ExitCode") or 0)
    if state.get("Running"):  # it was started again, and its state is that of the new start
        code = engine.last_exit_code(str(found["Id"]), str(found["Created"]))
    before, now = int(config.get("oom_kill") or 0), processes.read_oom_count(_COUNTER)
    proof = (
        "{} says OOMKilled of container {}".format(engine.name, str(found["Id"])[:12]) if state.get("OOMKilled") else ""
    )
    if not proof and engine.name == "podman" and code == _KILLED and now > before:
        # podman does not tell with version 1 of cgroups; nobody but the kernel or root kills a container's first process
        proof = "{}: oom_kill {} before, {} after".format(_COUNTER, before, now)
    return {"code": code, "out_of_memory": bool(proof), "stopped": False, "oom_proof": proof}
