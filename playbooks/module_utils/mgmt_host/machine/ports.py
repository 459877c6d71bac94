"""TCP ports: which are free, who listens, and which one a deployment gets."""

from __future__ import annotations

import glob
import ipaddress
import os
import socket
import zlib
from typing import Iterable, Iterator

from ..failures import HostError, evidence
from ..layout import Layout
from . import durable_files

FIRST, LAST = 20000, 29999
"""The host chooses from these when no port was asked for (host contract)."""

_FIRST_OF_ALL = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
_PRIVILEGED = 1024
_CAP_NET_BIND_SERVICE = 1 << 10
_LISTEN = "0A"
_ESTABLISHED = "01"
_IPV4_DIGITS = 8


def is_free(address: str, port: int) -> bool:
    """Tell whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def choose(layout: Layout, deployment_id: str, address: str, avoid: set[int]) -> int:
    """Return a free port that no other deployment of this base directory counts on.

    The search starts at a place that hangs on base directory and id: a deployment tends to come back to its own port,
    and two base directories that choose at once do not meet.

    Raises:
        HostError: All are taken.
    """
    taken = avoid | reserved(layout, deployment_id)
    count = LAST - FIRST + 1
    start = zlib.crc32(layout.path(deployment_id).encode()) % count
    for step in range(count):
        port = FIRST + (start + step) % count
        if port not in taken and is_free(address, port):
            return port
    raise HostError("port_in_use", "no free port from {} to {}".format(FIRST, LAST))


def reserved(layout: Layout, deployment_id: str) -> set[int]:
    """Return the ports that other deployments run on or will come back to."""
    shared = glob.glob(os.path.join(glob.escape(layout.path("shared")), "*", "container.json"))
    found = {int(value["port"]) for path in shared for value in [durable_files.read_json(path)] if value}
    for other in layout.deployment_ids():
        if other == deployment_id:
            continue
        folder = layout.path("deployments", other)
        paths = [
            os.path.join(folder, "state.json"),
            *glob.glob(os.path.join(glob.escape(folder), "slots", "*", "slot.json")),
        ]
        for value in (durable_files.read_json(path) for path in paths):
            found.update(int(value[key]) for key in ("port", "stable_port") if value and value.get(key))
    return found


def require_free(address: str, port: int) -> None:
    """Check a port that was asked for.

    Raises:
        HostError: `port_in_use`, with who listens as evidence.
    """
    if not is_free(address, port):
        message = "port {} is in use; free it or launch with another port".format(port)
        raise HostError("port_in_use", message, [evidence("ss", describe(port))])


def require_allowed(port: int) -> None:
    """Check that this account may listen on a port at all, whether it is free or not.

    Raises:
        HostError: `dependency`: only root may, by the kernel's `ip_unprivileged_port_start` (ip(7), capabilities(7)).
    """
    first = int(durable_files.tail(_FIRST_OF_ALL) or _PRIVILEGED)
    if port < first and not rights() & _CAP_NET_BIND_SERVICE:
        message = "this account may not listen on port {}: launch with one from {} on, or let the agent become root"
        said = evidence("kernel", "{} says {}, CapEff {:#x}".format(_FIRST_OF_ALL, first, rights()))
        raise HostError("dependency", message.format(port, first), [said])


def rights() -> int:
    """Return the capabilities that this process has in effect, a bit each (proc(5), `CapEff`)."""
    lines = durable_files.tail("/proc/self/status").splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


def describe(port: int) -> str:
    """Return who listens on a port, a line each, in the manner of `ss -ltnp`."""
    lines = []
    for local, inode in _listening(port):
        pid = _owner(inode)
        lines.append("LISTEN {} users:(({},pid={}))".format(local, _name(pid), pid if pid else "?"))
    return "\n".join(lines) or "port {}: no listener is visible".format(port)


def listeners(port: int) -> list[int | None]:
    """Return the pid of the process behind each socket that listens on a port; None where it is not ours to see."""
    return [_owner(inode) for _, inode in _listening(port)]


def listener(port: int) -> int | None:
    """Return the pid of the process that listens on a port; None when none or not ours to see."""
    for _, inode in _listening(port):
        pid = _owner(inode)
        if pid:
            return pid
    return None


def listens(pid: int, port: int) -> bool | None:
    """Tell whether that process is among the listeners of a port; None where the kernel does not let us see."""
    wanted = {"socket:[{}]".format(inode) for _, inode in _listening(port)}
    folder = "/proc/{}/fd".format(pid)
    try:
        links = [_target(os.path.join(folder, name)) for name in os.listdir(folder)]
    except OSError:
        return None
    return bool(wanted.intersection(links)) if wanted and any(links) else None


def count_connected(port: int) -> int:
    """Return how many connections programs of this host hold to a local port now, as those who ask."""
    return sum(1 for row in _rows() if row[3] == _ESTABLISHED and _port(row[2]) == port)


def answering(address: str, port: int) -> set[str]:
    """Return the listening sockets, as `/proc/<pid>/fd` names them, one of which answers at an address.

    Those of that very address go before those of all addresses. Source: tcp(7), and how Linux looks listeners up.
    """
    exact, of_all = set(), set()
    for local, inode in _listening(port):
        listener = ipaddress.ip_address(local.rpartition(":")[0].strip("[]"))
        listener = getattr(listener, "ipv4_mapped", None) or listener
        if listener == ipaddress.ip_address(address):
            exact.add("socket:[{}]".format(inode))
        elif listener.is_unspecified:
            of_all.add("socket:[{}]".format(inode))
    return exact or of_all


def names(address: str, port: int) -> list[str]:
    """Return the names of the programs one of which answers at an address; those that we may not look at are left out."""
    owners = {_owner(link[len("socket:[") : -1]) for link in answering(address, port)}
    return sorted(_name(pid).strip('"') for pid in owners if pid)


def held_sockets(pids: Iterable[int]) -> set[str]:
    """Return what processes have open, as `/proc/<pid>/fd` names it; nothing of one that we may not look at."""
    return {_target(link) for pid in pids for link in glob.iglob("/proc/{}/fd/*".format(pid))}


def _listening(port: int) -> list[tuple[str, str]]:
    return [(_address(row[1]), row[9]) for row in _rows() if row[3] == _LISTEN and _port(row[1]) == port]


def _rows() -> Iterator[list[str]]:
    """Yield the rows of the kernel's tables of TCP sockets (proc(5), proc_net_tcp.txt)."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as stream:
                yield from [line.split() for line in stream][1:]


def _port(local: str) -> int:
    return int(local.rpartition(":")[2], 16)


def _address(local: str) -> str:
    digits, _, port = local.rpartition(":")
    if len(digits) == _IPV4_DIGITS:
        digits = socket.inet_ntop(socket.AF_INET, bytes.fromhex(digits)[::-1])
    else:
        words = [bytes.fromhex(digits[start : start + 8])[::-1] for start in range(0, 32, 8)]
        digits = "[{}]".format(socket.inet_ntop(socket.AF_INET6, b"".join(words)))
    return "{}:{}".format(digits, int(port, 16))


def is_manager(pid: int) -> bool:
    """Tell whether a process is systemd, which holds ports for others."""
    return _name(pid) == '"systemd"'


def _owner(inode: str) -> int | None:
    """Return who has a socket open; systemd only when nobody else has it."""
    wanted, manager = "socket:[{}]".format(inode), None
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        if _target(link) == wanted:
            pid = int(link.split("/")[2])
            if not is_manager(pid):
                return pid
            manager = pid
    return manager


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _name(pid: int | None) -> str:
    if pid is None:
        return '"?"'
    try:
        with open("/proc/{}/comm".format(pid), encoding="utf-8", errors="replace") as stream:
            return '"{}"'.format(stream.read().strip())
    except OSError:
        return '"?"'
