"""After a reboot: one `@reboot` line in the user's crontab per base directory starts what was wanted."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from .. import programs
from ..failures import HostError
from ..journal import Journal
from ..layout import DeploymentLayout, Layout
from ..machine import durable_files
from ..switching import traffic, traffic_kinds
from . import carriers, slots

_SECONDS = 10.0


def arrange(own: DeploymentLayout, layout: Layout, journal: Journal) -> bool:
    """See to it that a deployment comes back after a reboot; False when this host has no usable crontab.

    Where its carrier sees to that by itself no line is wanted for it.
    """
    if not _needs_line(own):
        withdraw_when_idle(layout, journal)
        return True
    line = _line(layout)
    with durable_files.locked(layout.path("boot.lock")):
        present = _read()
        if present is None:
            return False
        kept = [other for other in present if not other.endswith(_marker(layout))]
        return present == [*kept, line] or _change(
            [*kept, line], journal, "the crontab starts deployments after a boot"
        )


def withdraw_when_idle(layout: Layout, journal: Journal) -> None:
    """Take the line away when no deployment needs it any more."""
    if any(_needs_line(layout.deployment(deployment_id)) for deployment_id in layout.deployment_ids()):
        return
    with durable_files.locked(layout.path("boot.lock")):
        present = _read() or []
        kept = [other for other in present if not other.endswith(_marker(layout))]
        if kept != present:
            _change(kept, journal, "the crontab starts no deployments after a boot")


def start_all(base_dir: str) -> int:
    """Start every deployment that was wanted when the host went down.

    Returns:
        Exit code: 1 when one of them could not be started; the others were.
    """
    layout = Layout.at(base_dir)
    code = 0
    for deployment_id in layout.deployment_ids():
        try:
            _start(layout.deployment(deployment_id))
        except (HostError, OSError, KeyError, TypeError, ValueError) as error:
            sys.stderr.write("deployment {} was not started: {!r}\n".format(deployment_id, error))
            code = 1
    return code


def _start(own: DeploymentLayout) -> None:
    with durable_files.locked(own.lock):
        state = durable_files.read_json(own.state) or {}
        if state.get("wanted") != "running":
            return
        slot, proxy = slots.find(own, state["live"]["slot"]), slots.proxy(own)
        if not carriers.of(slot.config).comes_back and not slot.running:
            slots.start(slot, slot.config)
        proxied = traffic_kinds.is_proxied(slot.config)
        if proxied and not carriers.of(proxy.config).comes_back and not proxy.running:
            traffic.start_proxy(own, slot.config, slot)


def _needs_line(own: DeploymentLayout) -> bool:
    try:
        state = durable_files.read_json(own.state) or {}
        if state.get("wanted") != "running":
            return False
        config = slots.find(own, state["live"]["slot"]).config
        names = [config.get("carrier"), config.get("proxy_carrier") or config.get("carrier")]
        return not all(carriers.of({"carrier": name}).comes_back for name in names)
    except (HostError, OSError, KeyError, TypeError):
        return True  # who cannot be read may be wanted


def _marker(layout: Layout) -> str:
    return "# mgmt-ansible {}".format(layout.base_dir)


def _line(layout: Layout) -> str:
    command = [sys.executable, "-I", "-S", programs.install(layout), "boot", layout.base_dir]
    quoted = " ".join(shlex.quote(part) for part in command).replace("%", "\\%")
    return "@reboot {} {}".format(quoted, _marker(layout))


def _read() -> list[str] | None:
    program = shutil.which("crontab")
    if program is None:
        return None
    try:
        done = subprocess.run([program, "-l"], check=False, capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "surrogateescape").splitlines()
    return [] if b"no crontab" in done.stderr.lower() else None


def _change(lines: list[str], journal: Journal, what: str) -> bool:
    if not _write(lines):
        return False
    journal.effect(what)
    return True


def _write(lines: list[str]) -> bool:
    text = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    program = shutil.which("crontab") or os.devnull
    try:
        done = subprocess.run([program, "-"], input=text, check=False, capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
