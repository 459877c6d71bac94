"""Slots `a` and `b`: the two running places of a deployment, a supervised process each."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from . import durable_files, http_probe, processes, serving
from .failures import HostError, evidence
from .layout import DeploymentLayout

NAMES = ("a", "b")
_LATE_SECONDS = 20.0
_ROOM_AFTER_SECONDS = 5.0
_ROOM_BYTES = 1 << 16
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Slot:
    """One running place.

    Attributes:
        name: `a` or `b`.
        folder: Holds `slot.json` (what shall run), `process.json` (what runs; the supervisor writes it), `server.log`,
            and `supervisor.lock`, which the one supervisor holds for its life.
    """

    name: str
    folder: str

    @property
    def config(self) -> dict[str, Any]:
        """What shall run; empty when nothing was ever started here."""
        return durable_files.read_json(os.path.join(self.folder, "slot.json")) or {}

    @property
    def process(self) -> dict[str, Any]:
        """What the supervisor says; empty before it said anything."""
        return durable_files.read_json(os.path.join(self.folder, "process.json")) or {}

    @property
    def server(self) -> processes.ProcessMark | None:
        """The model server, if it lives."""
        mark = processes.mark_from_json(self.process.get("server"))
        return mark if mark is not None and mark.alive else None

    @property
    def supervisor(self) -> processes.ProcessMark | None:
        """The supervisor, if it lives."""
        mark = processes.mark_from_json(self.process.get("supervisor"))
        return mark if mark is not None and mark.alive else None

    @property
    def running(self) -> bool:
        """Whether anything of this slot lives."""
        return self.server is not None or self.supervisor is not None

    @property
    def loaded(self) -> bool:
        """Whether the server has loaded its model and listens, or waits for its port."""
        return os.path.exists(os.path.join(self.folder, "loaded"))

    @property
    def served(self) -> serving.Served:
        """How its package is served."""
        return serving.of_slot(self.config)

    def log_evidence(self) -> list[dict[str, str]]:
        """Return the end of the server's log as proof."""
        return [evidence("log_tail", durable_files.tail(os.path.join(self.folder, "server.log")))]

    def url(self) -> str:
        """Return where predictions are asked, as seen from the host itself."""
        config = self.config
        address = http_probe.bracketed(http_probe.local_address(config["bind_address"]))
        return "http://{}:{}{}".format(address, config["port"], self.served.predict_path or "/")


def find(own: DeploymentLayout, name: str) -> Slot:
    """Return the slot of that name."""
    return Slot(name, own.slot(name))


def list_slots(own: DeploymentLayout) -> list[Slot]:
    """Return both slots."""
    return [find(own, name) for name in NAMES]


def find_live(own: DeploymentLayout) -> Slot | None:
    """Return the slot that runs on the stable port; None when none does."""
    state = durable_files.read_json(own.state) or {}
    running = [slot for slot in list_slots(own) if slot.running and slot.config.get("port") == state.get("stable_port")]
    recorded = (state.get("live") or {}).get("slot")
    return next((slot for slot in running if slot.name == recorded), running[0] if running else None)


def start(slot: Slot, config: dict[str, Any]) -> None:
    """Start the slot's supervisor on a configuration; does not wait for the server.

    A supervisor that a killed run started, seen or not, ends first: the new nonce is not its own.

    Raises:
        HostError: The supervisor could not be started, or the slot's old one does not end.
        OSError: The configuration cannot be written.
    """
    os.makedirs(slot.folder, mode=0o700, exist_ok=True)
    _write_config(slot, dict(config, nonce=secrets.token_hex(8)))
    seconds = float(config.get("stop_timeout_seconds", 10.0))
    lock = os.path.join(slot.folder, "supervisor.lock")
    with durable_files.locked(lock, seconds + _LATE_SECONDS, waiting=lambda: _stop_recorded(slot, seconds)):
        _stop_recorded(slot, seconds)
        for name in ("process.json", "loaded"):
            if os.path.exists(os.path.join(slot.folder, name)):
                os.unlink(os.path.join(slot.folder, name))
    supervise(slot)


def supervise(slot: Slot) -> None:
    """Start a detached supervisor on the slot's present configuration.

    Raises:
        HostError: It could not be started.
    """
    config = slot.config
    nonce = str(config.get("nonce", ""))
    command = [sys.executable, "-I", "-S", config["program_dir"], "supervise", slot.folder, nonce]
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},  # nothing of the run that ends soon
    )
    if done.returncode != 0:
        text = done.stdout.decode("utf-8", "replace")
        raise HostError("not_ready", "the supervisor did not start", [evidence("log_tail", text)])


def stop(slot: Slot, seconds: float) -> bool:
    """Stop what runs in the slot; it is gone when this returns, also a supervisor that nobody had seen yet.

    Returns:
        Whether anything ran.

    Raises:
        HostError: It cannot be killed.
    """
    if not os.path.isdir(slot.folder):
        return False
    if slot.supervisor is None:
        _revoke(slot)
    stopped = _stop_recorded(slot, seconds)
    lock = os.path.join(slot.folder, "supervisor.lock")
    with durable_files.locked(lock, seconds + _LATE_SECONDS, waiting=lambda: _stop_recorded(slot, seconds)):
        return _stop_recorded(slot, seconds) or stopped


def _revoke(slot: Slot) -> None:
    config = slot.config
    if not config.get("nonce"):
        return
    try:
        _write_config(slot, dict(config, nonce=""))
    except OSError:
        os.unlink(os.path.join(slot.folder, "slot.json"))  # a full disk still lets go


def _stop_recorded(slot: Slot, seconds: float) -> bool:
    supervisor, server = slot.supervisor, slot.server
    stopped = processes.stop(supervisor, seconds + 2.0)
    server = processes.mark_from_json(slot.process.get("server")) or server
    return processes.stop_family(server, seconds) or stopped


def _write_config(slot: Slot, config: dict[str, Any]) -> None:
    durable_files.write_json(os.path.join(slot.folder, "slot.json"), config)


def wait_supervised(slot: Slot, seconds: float = 30.0) -> None:
    """Wait until the supervisor has told who it is.

    Raises:
        HostError: It did not.
        OSError: It could not, because the disk refuses.
    """
    began = time.monotonic()
    while not slot.process:
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
    with durable_files.spare_room(os.path.join(slot.folder, "spare"), _ROOM_BYTES):
        return
