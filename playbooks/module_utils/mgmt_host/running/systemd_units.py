"""The text of a model server's unit: pure, and the same for the same place and configuration."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import sys
from typing import Any, Sequence

from .carrying import Place

SAFE_PATH = re.compile(r"/[A-Za-z0-9._/@+-]*")
"""Paths that mean themselves in a unit file; another place is not for systemd."""

FIRST_PORT_OF_ALL = 1024
_GPU_CONTROLS = ("/dev/nvidiactl", "/dev/nvidia-modeset", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
_HIDDEN = ("deployments", "environments", "packages", "programs")
_HOMES = ("/home", "/root", "/run/user")
_FOR_ALL = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
UMask=0077
"""
_FOR_SYSTEM = """\
KeyringMode=private
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=tmpfs
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
"""


def name(place: Place) -> str:
    """Return a place's unit name: two base directories of one host may hold the same deployment."""
    return "mgmt-ansible-{}-{}-{}.service".format(_deployment(place), place.name, _key(place))


def socket_name(place: Place) -> str:
    """Return the name of the unit that holds the port of a place's server, if one does."""
    return name(place).replace(".service", ".socket")


def render_socket(place: Place, listen: str) -> str:
    """Return the unit that holds an address, such as `127.0.0.1:8080`, whoever serves there (systemd.socket(5))."""
    lines = [
        "# Written by mgmt-ansible, which removes it when the model is stopped.",
        "[Unit]",
        "Description=Stable port of deployment {} (mgmt-ansible)".format(_deployment(place)),
        "",
        "[Socket]",
        "ListenStream={}".format(listen),
        "Backlog=4096",
        "TriggerLimitIntervalSec=0",
        "",
        "[Install]",
        "WantedBy=sockets.target",
    ]
    return "\n".join(lines) + "\n"


def account(place: Place) -> str:
    """Return the name of the user that lives while the unit does."""
    return "mgmt-" + _key(place)


def runtime_folder(place: Place) -> str:
    """Return a folder that systemd gives to that user; its owner tells who that is."""
    return "/run/mgmt-ansible/" + _key(place)


def render(place: Place, config: dict[str, Any], inside: str, user: bool) -> str:
    """Return the unit file.

    Args:
        place: Where the server runs.
        config: Its `slot.json`.
        inside: The folder that the server itself works in.
        user: It is for the user's own manager, which has no privileges to give or to take.
    """
    hook = "{} -I -S {}".format(sys.executable, config["program_dir"])
    lines = [
        "# Written by mgmt-ansible, which removes it when the model is stopped.",
        "[Unit]",
        "Description=Model server of deployment {}, slot {} (mgmt-ansible)".format(_deployment(place), place.name),
        *([] if user else ["After=network.target"]),
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        *(["Sockets={}".format(socket_name(place))] if "listen" in config else []),
        "Type=exec",
        "ExecStartPre={}{} unit-begins {}".format("" if user else "+", hook, place.folder),
        "ExecStart={} unit-runs {}".format(hook, inside),
        "ExecStopPost={}{} unit-ended {}".format("" if user else "+", hook, place.folder),
        "Restart=always",
        "RestartSec=500ms",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec={:g}".format(float(config.get("stop_timeout_seconds", 10.0))),
        "KillMode=mixed",
        "SyslogIdentifier={}-{}".format(_deployment(place), place.name),
        _FOR_ALL.rstrip(),
        *_limits(config.get("resources", {})),
        *([] if user else _shut_in(place, config, inside)),
        "",
        "[Install]",
        "WantedBy={}".format("default.target" if user else "multi-user.target"),
    ]
    return "\n".join(lines) + "\n"


def is_safe(config: dict[str, Any], folder: str) -> bool:
    """Tell whether all paths of a configuration mean themselves in a unit file."""
    paths = [folder, sys.executable, config["program_dir"], *config.get("reads", ()), *config.get("writes", ())]
    paths += config.get("secrets", {}).values()
    return all(SAFE_PATH.fullmatch(path) for path in paths)


def is_open(config: dict[str, Any]) -> bool:
    """Tell whether everybody may read what the server needs, so that it needs no account that was there before."""
    return all(_is_readable(path) for path in (config["program_dir"], *config.get("reads", ())))


def _shut_in(place: Place, config: dict[str, Any], inside: str) -> list[str]:
    """Return what keeps a server away from all but its package, its programs and its own folder."""
    base_dir = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(place.folder))))
    writes = [inside, *config.get("writes", ())]
    reads = sorted({config["program_dir"], *config.get("reads", ()), *_interpreters()})
    low = int(config["port"]) < FIRST_PORT_OF_ALL
    lines = [*_FOR_SYSTEM.rstrip().splitlines(), *_devices(config.get("resources", {}).get("gpus", ()))]
    if is_open(config):
        lines += ["DynamicUser=yes", "User={}".format(account(place))]
    lines += ["LoadCredential={}:{}".format(*pair) for pair in sorted(config.get("secrets", {}).items())]
    lines += [
        "RuntimeDirectory=mgmt-ansible/{}".format(_key(place)),
        "CapabilityBoundingSet={}".format("CAP_NET_BIND_SERVICE" if low else ""),
        "AmbientCapabilities={}".format("CAP_NET_BIND_SERVICE" if low else ""),
        *("TemporaryFileSystem={}:ro".format(os.path.join(base_dir, name)) for name in _HIDDEN),
        *("BindReadOnlyPaths={}".format(path) for path in reads),
        # what the hooks read and write; the server may write in its own folder only, and files in this one are not for it
        "BindReadOnlyPaths=-{}".format(os.path.join(os.path.dirname(os.path.dirname(place.folder)), "state.json")),
        "BindPaths={}".format(place.folder),
        *("BindPaths={}".format(path) for path in config.get("writes", ())),
        *("ReadWritePaths={}".format(path) for path in writes),
    ]
    return lines


def _limits(resources: dict[str, Any]) -> list[str]:
    """Return a package's limits; memory is no more than that, not even on the disk."""
    lines = []
    if "memory_bytes" in resources:
        lines += ["MemoryMax={}".format(resources["memory_bytes"]), "MemorySwapMax=0"]
    if "cpus" in resources:
        lines.append("CPUQuota={}%".format(max(1, round(resources["cpus"] * 100))))
    if "open_files" in resources:
        lines.append("LimitNOFILE={}".format(resources["open_files"]))
    return lines


def _devices(gpus: Sequence[str]) -> list[str]:
    """Return what lets a server use the wanted GPUs and no other device."""
    if not gpus:
        return ["PrivateDevices=yes"]
    numbered = all(gpu.isdigit() for gpu in gpus)  # others go by an id of their own, which has no file
    files = ["/dev/nvidia" + gpu for gpu in gpus] if numbered else sorted(glob.glob("/dev/nvidia[0-9]*"))
    return ["DevicePolicy=closed", *("DeviceAllow={} rw".format(path) for path in (*files, *_GPU_CONTROLS))]


def _interpreters() -> list[str]:
    """Return where this interpreter lies when that is in somebody's home, which is hidden."""
    found = {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}
    return sorted(path for path in found if path.startswith(tuple(home + "/" for home in _HOMES)))


def _is_readable(path: str) -> bool:
    wanted = 0o005 if os.path.isdir(path) else 0o004
    return os.path.exists(path) and os.stat(path).st_mode & wanted == wanted


def _deployment(place: Place) -> str:
    return os.path.basename(os.path.dirname(os.path.dirname(place.folder)))


def _key(place: Place) -> str:
    return hashlib.sha256(place.folder.encode()).hexdigest()[:10]
