"""Carrier `process`: a detached supervisor of our own for each slot; it needs neither root nor a service manager."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import Any

from ..failures import HostError, evidence
from ..machine import durable_files, processes
from .carrying import Carried, Place

_LATE_SECONDS = 20.0
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


class ProcessCarrier:
    """In a place's folder: `process.json` (what runs; the supervisor writes it), `server.log`, `supervisor.lock`.

    The one supervisor holds the lock for its life, and ends once `slot.json` has another nonce than its own.
    """

    name = "process"
    comes_back = False

    def folder_of(self, place: Place) -> str:
        """Return the place's own; see `Carrier`."""
        return place.folder

    def enforces(self) -> frozenset[str]:
        """Return the one limit that a process may be given without a cgroup; see `Carrier`."""
        return frozenset(("open_files",))

    def secret_path(self, place: Place, name: str, path: str) -> str:  # noqa: ARG002 - as in `Carrier`
        """Return the file itself, which the account of the run must be able to read; see `Carrier`."""
        return path

    def start(self, place: Place, config: dict[str, Any]) -> None:
        """Start the supervisor; see `Carrier`.

        One that a killed run started, seen or not, ends first: the new nonce is not its own.
        """
        place.configure(dict(config, nonce=secrets.token_hex(8)))
        seconds = float(config.get("stop_timeout_seconds", 10.0))
        lock = place.path("supervisor.lock")
        with durable_files.locked(lock, seconds + _LATE_SECONDS, waiting=lambda: _stop_recorded(place, seconds)):
            _stop_recorded(place, seconds)
            for name in ("process.json", "loaded"):
                if os.path.exists(place.path(name)):
                    os.unlink(place.path(name))
        supervise(place)

    def stop(self, place: Place, seconds: float) -> bool:
        """Stop the supervisor with its server, also one that nobody had seen yet; see `Carrier`."""
        if find_supervisor(place) is None:
            _revoke(place)
        stopped = _stop_recorded(place, seconds)
        lock = place.path("supervisor.lock")
        with durable_files.locked(lock, seconds + _LATE_SECONDS, waiting=lambda: _stop_recorded(place, seconds)):
            return _stop_recorded(place, seconds) or stopped

    def look(self, place: Place) -> Carried:
        """Return what the supervisor says; see `Carrier`."""
        said = read(place)
        server, supervisor = _alive(said.get("server")), _alive(said.get("supervisor"))
        return Carried(
            known=bool(said),
            running=server is not None or supervisor is not None,
            server=server,
            exits=int(said.get("exits") or 0),
            last_exit=said.get("last_exit"),
        )

    def log_tail(self, place: Place) -> str:
        """Return the end of `server.log`; see `Carrier`."""
        return durable_files.tail(place.path("server.log"))


def read(place: Place) -> dict[str, Any]:
    """Return what the supervisor says; empty before it said anything."""
    return durable_files.read_json(place.path("process.json")) or {}


def find_supervisor(place: Place) -> processes.ProcessMark | None:
    """Return the supervisor, if it lives."""
    return _alive(read(place).get("supervisor"))


def supervise(place: Place) -> None:
    """Start a detached supervisor on the place's present configuration.

    Raises:
        HostError: It could not be started.
    """
    config = place.config
    nonce = str(config.get("nonce", ""))
    command = [sys.executable, "-I", "-S", config["program_dir"], "supervise", place.folder, nonce]
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


def _alive(value: object) -> processes.ProcessMark | None:
    mark = processes.mark_from_json(value)
    return mark if mark is not None and mark.alive else None


def _revoke(place: Place) -> None:
    config = place.config
    if not config.get("nonce"):
        return
    try:
        place.configure(dict(config, nonce=""))
    except OSError:
        os.unlink(place.path("slot.json"))  # a full disk still lets go


def _stop_recorded(place: Place, seconds: float) -> bool:
    said = read(place)
    supervisor, server = _alive(said.get("supervisor")), _alive(said.get("server"))
    stopped = processes.stop(supervisor, seconds + 2.0)
    server = processes.mark_from_json(read(place).get("server")) or server
    return processes.stop_family(server, seconds) or stopped
