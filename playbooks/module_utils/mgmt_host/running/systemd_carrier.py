"""Carriers `systemd` and `systemd_user`: a unit for each slot, started again by systemd itself, also after a boot."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from ..failures import HostError
from ..machine import processes
from . import systemd_units, unit_hooks
from .carrying import Carried, Place
from .systemd_manager import SYSTEM, USER, Manager


class SystemdCarrier:
    """In a place's folder: `exits.json`, which the unit's hooks write, and `inside/`, which the server of a system unit owns.

    Args:
        manager: Whose units they are.
    """

    comes_back = True

    def __init__(self, name: str, manager: Manager) -> None:
        self.name = name
        self._manager = manager

    def folder_of(self, place: Place) -> str:
        """Return `inside` for a system unit: its server sees nothing else of the base directory but what it reads."""
        return place.folder if self._manager.user else place.path(unit_hooks.INSIDE)

    def enforces(self) -> frozenset[str]:
        """Return what a unit's cgroup is given by the kernel here; see `Carrier`."""
        return self._manager.enforces()

    def secret_path(self, place: Place, name: str, path: str) -> str:
        """Return systemd's own copy in memory for a system unit, which its account alone may read; see `Carrier`."""
        return path if self._manager.user else "/run/credentials/{}/{}".format(systemd_units.name(place), name)

    def start(self, place: Place, config: dict[str, Any]) -> None:
        """Write the unit and start it; see `Carrier`."""
        unit = systemd_units.name(place)
        if not systemd_units.is_safe(config, place.folder):
            message = (
                "a unit of systemd cannot be told one of the paths that the server needs; use supervision: process"
            )
            raise HostError("dependency", message)
        self.stop(place, float(config.get("stop_timeout_seconds", 10.0)))
        place.configure(dict(config, boot_id=processes.boot_id(), since=str(int(time.time()))))
        self._open(place)
        self._forget(place)
        text, at_boot = (
            systemd_units.render(place, config, self.folder_of(place), self._manager.user),
            bool(config.get("boot_start", True)),
        )
        self._manager.write(unit, text, at_boot)
        try:
            if "listen" in config:
                self._hold(place, str(config["listen"]), at_boot)
            self._manager.call("start", unit)
        except subprocess.TimeoutExpired as error:
            raise HostError("not_ready", "systemd does not start unit {}".format(unit)) from error

    def stop(self, place: Place, seconds: float) -> bool:
        """Stop the unit and remove it; see `Carrier`."""
        held, unit = systemd_units.socket_name(place), systemd_units.name(place)
        if os.path.lexists(self._manager.path(held)):
            if self._manager.show(held).running:
                self._manager.stop(held, seconds)
            self._manager.remove(held)
        ran = self._manager.show(unit).running
        if ran:
            self._manager.stop(unit, seconds)
        self._manager.remove(unit)
        return ran

    def look(self, place: Place) -> Carried:
        """Return what systemd and the hooks say; see `Carrier`."""
        shown, record = self._manager.show(systemd_units.name(place)), unit_hooks.read_record(place)
        exits = max(int(record.get("exits", 0)), shown.restarts)
        return Carried(
            known=shown.loaded and (shown.running or exits > 0),
            running=shown.running,
            server=processes.find_mark(shown.main_pid) if shown.main_pid else None,
            exits=exits,
            last_exit=record.get("last_exit"),
        )

    def log_tail(self, place: Place) -> str:
        """Return the end of what the journal has since the start; see `Carrier`."""
        return self._manager.log_tail(systemd_units.name(place), str(place.config.get("since", "")))

    def _open(self, place: Place) -> None:
        inside = self.folder_of(place)
        if inside != place.folder:
            os.makedirs(inside, mode=0o700, exist_ok=True)
            # the server's account goes through; the folders above stay ours, and are hidden
            os.chmod(place.folder, 0o711)  # noqa: S103 - see above

    def _hold(self, place: Place, listen: str, at_boot: bool) -> None:
        held = systemd_units.socket_name(place)
        self._manager.write(held, systemd_units.render_socket(place, listen), at_boot)
        self._manager.call("start", held)

    def _forget(self, place: Place) -> None:
        for path in (place.path(unit_hooks.RECORD), os.path.join(self.folder_of(place), "loaded")):
            if os.path.exists(path):
                os.unlink(path)


OF_SYSTEM = SystemdCarrier("systemd", SYSTEM)
OF_USER = SystemdCarrier("systemd_user", USER)
