"""Which carrier a model server gets on this host, unless its runtime says so: the setting `supervision`."""

from __future__ import annotations

import os
import sys
import time

from ..failures import HostError
from ..journal import Journal
from ..layout import Layout
from . import systemd_manager
from .systemd_units import SAFE_PATH

CHOICES = ("auto", "systemd", "process")
_LINGER_SECONDS = 20.0


def choose(wanted: str, layout: Layout, journal: Journal) -> str:
    """Return a carrier's name.

    `auto`: units of the system as root, units of the user where that one's manager runs without a login, else processes of
    our own. What allows units without a login, linger, is asked for once where it is not there.

    Args:
        wanted: One of `CHOICES`.
        layout: Where deployments lie.
        journal: Told when linger was enabled.

    Raises:
        HostError: `dependency`: systemd is wanted and cannot be had here, and why.
    """
    if wanted == "process":
        return "process"
    name = "systemd" if os.geteuid() == 0 else "systemd_user"
    reason = _reason_against(layout) or (_reason_against_user(journal) if name == "systemd_user" else "")
    if not reason:
        return name
    if wanted == "systemd":
        message = "the setting supervision asks for systemd, which cannot be had here: {}".format(reason)
        raise HostError("dependency", message)
    return "process"


def _reason_against(layout: Layout) -> str:
    if not systemd_manager.is_here():
        return "it is not process 1 of this host, or its programs are missing"
    if not all(SAFE_PATH.fullmatch(path) for path in (layout.base_dir, sys.executable)):
        return "base_dir or the interpreter has a path that a unit file cannot take"
    folder = systemd_manager.SYSTEM.folder
    if os.geteuid() == 0 and not os.access(folder, os.W_OK):
        return "{} cannot be written".format(folder)
    return ""


def _reason_against_user(journal: Journal) -> str:
    if not systemd_manager.lingers():
        if not systemd_manager.enable_linger():
            return (
                "without root it takes linger; let an administrator run: loginctl enable-linger "
                + systemd_manager.account()
            )
        journal.effect("linger enabled: units of {} run without a login".format(systemd_manager.account()))
    deadline = time.monotonic() + _LINGER_SECONDS
    while not systemd_manager.USER.answers():
        if time.monotonic() >= deadline:
            return "the manager of this user's units does not run"
        time.sleep(0.05)
    if not systemd_manager.USER.reads_journal():
        return "this user cannot read a journal of its own; let an administrator make /var/log/journal"
    return ""
