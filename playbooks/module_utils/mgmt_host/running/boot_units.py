"""Units of systemd that run one command after a boot: how containers of podman, which has no daemon, come back.

A file and a link beside it are all: systemd reads both when the host, or the account's own manager, comes up. Source:
systemd.unit(5), `WantedBy=`.
"""

from __future__ import annotations

import os
import pwd

from ..machine import durable_files

_TEXT = """\
[Unit]
Description=mgmt-ansible: start the container {name}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
"""


def can_enable() -> bool:
    """Tell whether a boot would run such a unit: systemd runs, and without root this account's manager starts at boot."""
    if not os.path.isdir("/run/systemd/system"):
        return False
    if os.geteuid() == 0:
        return True
    return os.path.exists("/var/lib/systemd/linger/{}".format(pwd.getpwuid(os.geteuid()).pw_name))


def enable(name: str, command: list[str]) -> bool:
    """See to it that a command runs after a boot; False where nothing would run it.

    Args:
        name: Of the unit; letters, digits, `-` and `_`.
        command: Words without white space, quotes, `%` or `$`; the first is an absolute path.
    """
    if not can_enable():
        return False
    path, link = _paths(name)
    os.makedirs(os.path.dirname(link), exist_ok=True)
    durable_files.write_text(path, _TEXT.format(name=name, command=" ".join(command)), 0o644)
    if not os.path.lexists(link):
        os.symlink(path, link)
    durable_files.sync_folder(os.path.dirname(link))
    return True


def disable(name: str) -> None:
    """Take back what `enable` did; nothing to do where it did nothing."""
    path, link = _paths(name)
    for one in (link, path):
        if os.path.lexists(one):
            os.unlink(one)
            durable_files.sync_folder(os.path.dirname(one))


def _paths(name: str) -> tuple[str, str]:
    system = os.geteuid() == 0
    folder = "/etc/systemd/system" if system else os.path.expanduser("~/.config/systemd/user")
    wants = "multi-user.target.wants" if system else "default.target.wants"
    unit = "{}.service".format(name)
    return os.path.join(folder, unit), os.path.join(folder, wants, unit)
