"""Units of systemd for containers of podman, which has no daemon: they come back after a boot, and stop in time before one.

Without one a shutdown waits 90 s for a first process that does not hear SIGTERM, as systemd does for any scope or service. The
unit is active for as long as its container is there: its start finds a container that runs already, and its stop is podman's, which
kills after the deployment's own time. It names none of podman's scopes, as in `After=`: a scope that a unit names is kept by
systemd when it has ended, and podman could not make it anew when it starts the container again.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

from . import systemd_manager
from .systemd_manager import SYSTEM, USER, Manager

_ROOM_SECONDS = 30.0
_TEXT = """\
# Written by mgmt-ansible, which removes it with the container.
[Unit]
Description=Container {name} (mgmt-ansible)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} start {name}
ExecStop={program} stop --time {seconds:d} {name}
TimeoutStopSec={most:g}
"""


def can_enable() -> bool:
    """Tell whether a boot would run such a unit: systemd runs, and without root this account's manager starts at boot."""
    return systemd_manager.is_here() and (os.geteuid() == 0 or systemd_manager.lingers())


def enable(name: str, program: str, seconds: float, *, at_boot: bool) -> None:
    """See to it that a container that was just started stops in time, and comes back after a boot; nothing where systemd does not.

    Args:
        name: Of the container and of the unit; letters, digits, `-` and `_`.
        program: Podman's path, without white space, quotes, `%` or `$`.
        seconds: How long it may take to stop.
        at_boot: Whether it comes back.

    Raises:
        HostError: systemd refuses.
        OSError: The unit cannot be written.
    """
    if not can_enable():
        return
    _manager().write(_unit(name), render(name, program, seconds), at_boot)
    _tell("start", name)


def render(name: str, program: str, seconds: float) -> str:
    """Return the unit's file; the arguments are those of `enable`."""
    return _TEXT.format(name=name, program=program, seconds=int(seconds), most=seconds + _ROOM_SECONDS)


def disable(name: str) -> bool:
    """Let no boot start it any more; return whether one would have, and `end` is due once the container has gone."""
    return _manager().remove(_unit(name))


def end(name: str) -> None:
    """End the unit of a container that was removed."""
    if can_enable():
        _tell("stop", name)


def _tell(word: str, name: str) -> None:
    with suppress(subprocess.TimeoutExpired):  # whether the model serves is a gate's to say, not systemd's
        _manager().call(word, _unit(name), check=False)


def _manager() -> Manager:
    return SYSTEM if os.geteuid() == 0 else USER


def _unit(name: str) -> str:
    return "{}.service".format(name)
