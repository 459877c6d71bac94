"""Faults of one host: each is made from outside, bites at once, and is undone by `heal`, which undoes all."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.testbed import cgroups, networks, plans
from tests.testbed.commands import BedError, run
from tests.testbed.hosts import Host

_TABLE = "testbed_fault"
_BALLAST = "/var/tmp/testbed-ballast"
_NUMBER = r"[0-9]{1,12}"
_SIZE = r"[0-9]{1,9}[KMG]?"
_PATH = r"/[^\0\n]*"
_OFFSET = r"[+-][0-9]{1,9}[smhdy]?"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        does: What a client sees, in a line.
        make: Makes it, with as many arguments as `arguments` and `optional` allow.
        arguments: Name -> pattern of each argument.
        optional: How many of the last arguments may be left out.
    """

    does: str
    make: Callable[..., None]
    arguments: dict[str, str]
    optional: int = 0

    @property
    def usage(self) -> str:
        """Its arguments as people write them."""
        names = list(self.arguments)
        first = len(names) - self.optional
        return " ".join([*names[:first], *(f"[{name}]" for name in names[first:])])


def make(host: Host, name: str, arguments: tuple[str, ...] = ()) -> None:
    """Make a fault.

    Raises:
        BedError: No such fault, an argument is wrong, the host is off where it must be on, or has not what it takes.
    """
    fault = FAULTS.get(name)
    if fault is None:
        raise BedError(f"no fault is named {name!r}; there are: {', '.join(FAULTS)}")
    least = len(fault.arguments) - fault.optional
    if not least <= len(arguments) <= len(fault.arguments):
        raise BedError(f"write: fault {host.name} {name} {fault.usage}")
    for (argument, pattern), value in zip(fault.arguments.items(), arguments, strict=False):
        if not re.fullmatch(pattern, value):
            raise BedError(f"{name}: {argument} {value!r} is not of the shape {pattern}")
    fault.make(host, *arguments)


@contextmanager
def having(host: Host, name: str, *arguments: str) -> Iterator[None]:
    """Have a fault for a while: made, and healed at the end."""
    make(host, name, arguments)
    try:
        yield
    finally:
        heal(host)


def heal(host: Host) -> None:
    """Undo every fault, switch the power on, and return when it answers over ssh; nothing to undo is no error."""
    label, name = host.plan.label, host.name
    cgroups.freeze(False, label, name)
    cgroups.limit_processor(label, name, None)
    cgroups.limit_memory(label, name, host.spec.memory)
    (host.folder / "forward.json").unlink(missing_ok=True)
    namespace = host.plan.namespace(host.spec)
    run("ip", "-n", host.plan.hub, "link", "set", networks.cable_of(host.spec), "up")
    run("ip", "netns", "exec", namespace, "nft", "delete", "table", "inet", _TABLE, check=False)
    for where, device in _ends(host):
        run("tc", "-n", where, "qdisc", "del", "dev", device, "root", check=False)
    if host.is_on():
        _heal_inside(host)
    else:
        host.off()  # what ends by itself may not have ended wholly
    host.on()


def _heal_inside(host: Host) -> None:
    for path in reversed(_mounts(host)):
        host.enter("umount", "-l", path, check=False)
    (host.folder / "mounts.json").unlink(missing_ok=True)
    shifted = host.enter("test", "-e", "/etc/ld.so.preload", check=False).returncode == 0
    host.enter("rm", "-f", _BALLAST, "/etc/ld.so.preload", "/etc/faketimerc")
    if host.kind != "plain":  # it may be booting: then sshd comes by itself
        host.enter("systemctl", "restart" if shifted else "start", "ssh", check=False)


def _ends(host: Host) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two ends of a host's cable: namespace and device."""
    return (host.plan.hub, networks.cable_of(host.spec)), (host.plan.namespace(host.spec), "host0")


def _link_down(host: Host) -> None:
    run("ip", "-n", host.plan.hub, "link", "set", networks.cable_of(host.spec), "down")


def _filter(host: Host, *rules: str) -> None:
    lines = [
        f"add table inet {_TABLE}",
        f"add chain inet {_TABLE} in {{ type filter hook input priority 0 ; }}",
        f"add chain inet {_TABLE} out {{ type filter hook output priority 0 ; }}",
        *(f"add rule inet {_TABLE} {rule}" for rule in rules),
    ]
    run("ip", "netns", "exec", host.plan.namespace(host.spec), "nft", "-f", "-", stdin="\n".join(lines) + "\n")


def _drop(host: Host, port: str = str(plans.SSH_PORT)) -> None:
    _filter(host, f"in tcp dport {port} drop")


def _reject(host: Host, port: str = str(plans.SSH_PORT)) -> None:
    _filter(host, f"in tcp dport {port} reject with tcp reset")


def _loss(host: Host, percent: str) -> None:
    _filter(host, *(f"{way} numgen random mod 100 < {percent} drop" for way in ("in", "out")))


def _quota(host: Host, count: str) -> None:
    _filter(host, f"in tcp dport {plans.SSH_PORT} quota over {count} bytes drop")


def _rate(host: Host, kilobits: str) -> None:
    for namespace, device in _ends(host):
        shape = ("tbf", "rate", f"{kilobits}kbit", "burst", "16kb", "latency", "400ms")
        run("tc", "-n", namespace, "qdisc", "replace", "dev", device, "root", *shape)


def _forward(host: Host, rule: str, value: str) -> None:
    """Change what the forwarder does with this host's connections; it reads the file for each piece it carries."""
    path = host.folder / "forward.json"
    rules = json.loads(path.read_text()) if path.exists() else {}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({**rules, rule: int(value)}))
    draft.replace(path)


def _disk_full(host: Host, path: str = "", size: str = "4M") -> None:
    if path:
        host.enter("mkdir", "-p", path)
        host.enter("mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", path)
        _remember_mount(host, path)
        return
    if not host.spec.disk:
        raise BedError(f"{host.name} has no disk of its own (NAME:KIND:disk=300M); next: name a PATH to fill")
    free = host.enter("df", "--output=avail", "--block-size=1", "/var/tmp").stdout.split()[-1]
    host.enter("fallocate", "--length", free, _BALLAST, check=False)  # gigabytes at once; what it leaves is written
    for block in ("1M", "4k"):
        host.enter("sh", "-c", f"dd if=/dev/zero bs={block} status=none >>{_BALLAST}", check=False)
    host.enter("sync")


def _read_only(host: Host, path: str) -> None:
    host.enter("mount", "--bind", path, path)
    _remember_mount(host, path)
    host.enter("mount", "-o", "remount,bind,ro", path)


def _mounts(host: Host) -> list[str]:
    path = host.folder / "mounts.json"
    return list(json.loads(path.read_text())) if path.exists() else []


def _remember_mount(host: Host, path: str) -> None:
    (host.folder / "mounts.json").write_text(json.dumps([*_mounts(host), path]))


def _clock(host: Host, offset: str) -> None:
    """Every program that starts from now on, each new ssh session among them, sees the shifted time.

    sshd itself starts anew: its sandboxed children may not make what libfaketime shares, but may inherit it. A plain host
    has nothing to restart it with, and is switched off and on.
    """
    host.enter("sh", "-c", 'printf "%s\\n" "$1" >/etc/faketimerc', "sh", offset)
    library = "/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1"
    host.enter("sh", "-c", f'test -e "{library}" && printf "%s\\n" "{library}" >/etc/ld.so.preload')
    if host.kind == "plain":
        host.off()
        host.on()
    else:
        host.enter("systemctl", "restart", "ssh")


def _kill_sshd(host: Host) -> None:
    for pid in cgroups.processes(host.plan.label, host.name):
        with suppress(OSError):
            if _name(pid).startswith("sshd"):
                os.kill(pid, signal.SIGKILL)


def _name(pid: int) -> str:
    with open(f"/proc/{pid}/comm") as stream:  # noqa: PTH123 - as short as it gets
        return stream.read().strip()


def _stop_sshd(host: Host) -> None:
    if host.kind == "plain":
        raise BedError(f"{host.name} is plain and has no service manager; next: kill-sshd, which there ends the host")
    host.enter("systemctl", "stop", "ssh")


FAULTS: dict[str, Fault] = {
    "link-down": Fault("the cable is out: connections hang, what runs goes on", _link_down, {}),
    "drop": Fault("packets to a port (22) vanish: timeout", _drop, {"PORT": _NUMBER}, 1),
    "reject": Fault("connections to a port (22) are reset: refused", _reject, {"PORT": _NUMBER}, 1),
    "loss": Fault("so many of a hundred packets get lost, both ways", _loss, {"PERCENT": _NUMBER}),
    "quota": Fault("ssh stalls silently after so many bytes to the host", _quota, {"BYTES": _NUMBER}),
    "cut": Fault(
        "a connection is reset after so many bytes to the host", lambda host, count: _forward(host, "cut_bytes", count),
        {"BYTES": _NUMBER},
    ),
    "rate": Fault("so many kilobits a second, both ways", _rate, {"KILOBITS": _NUMBER}),
    "delay": Fault(
        "so many milliseconds more, each way", lambda host, delay: _forward(host, "delay_ms", delay),
        {"MILLISECONDS": _NUMBER},
    ),
    "freeze": Fault(
        "every process stands still, the network lives", lambda host: cgroups.freeze(True, host.plan.label, host.name),
        {},
    ),
    "cpu": Fault(
        "so many percent of one processor",
        lambda host, percent: cgroups.limit_processor(host.plan.label, host.name, int(percent)), {"PERCENT": _NUMBER},
    ),
    "memory": Fault(
        "the kernel kills what needs more", lambda host, size: cgroups.limit_memory(host.plan.label, host.name, size),
        {"SIZE": _SIZE},
    ),
    "disk-full": Fault(
        "no room: on a small file system mounted at PATH, or (a host with disk=) on its whole disk", _disk_full,
        {"PATH": _PATH, "SIZE": _SIZE}, 2,
    ),
    "read-only": Fault("PATH cannot be written", _read_only, {"PATH": _PATH}),
    "clock": Fault("programs that start see a time shifted like -400d or +2h", _clock, {"OFFSET": _OFFSET}),
    "kill-sshd": Fault("kill -9 of sshd and its sessions; systemd restarts it", _kill_sshd, {}),
    "stop-sshd": Fault("sshd is stopped: refused", _stop_sshd, {}),
    "off": Fault("the power is cut in the middle of everything", lambda host: host.off(), {}),
}  # fmt: skip
"""Name -> fault; `on`, `reboot` and `reset` are commands of their own."""
