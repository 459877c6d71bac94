"""Traffic kind `haproxy`: a small HAProxy of the deployment's own holds the stable port, and is told where requests go.

```
 client --keep-alive--> stable port | HAProxy | --a connection a request--> 127.0.0.1: slot a (ready)  slot b (maint)
```
Its working folder holds `haproxy.cfg`, with which it starts, and `admin.sock`, by which a switch is a change of two words in its
memory: nothing is reloaded, and no connection of a client is closed. What it says about its servers is the truth.
"""

from __future__ import annotations

import csv
import os
import shutil
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Mapping

from ..failures import HostError, evidence
from ..machine import durable_files

CONFIGURATION = "haproxy.cfg"
SOCKET = "admin.sock"
SLOT_ADDRESS = "127.0.0.1"
NO_PORT = 9
"""To which nothing is led: the discard port, of a slot that has never run, or while requests wait."""
READY, DRAIN, MAINT = "ready", "drain", "maint"
_PLACES = "/usr/local/sbin:/usr/sbin:/sbin"
_SECONDS = 5.0
_LIMIT_BYTES = 1 << 20
_STATUSES = {"no check": READY, "UP": READY, "DRAIN": DRAIN, "MAINT": MAINT}
_TEXT = """\
# Written by mgmt-ansible before each start and after each switch; a change by hand is lost.
global
    noreuseport
    no strict-limits
    nbthread 1
    maxconn 4096
    stats socket unix@{socket} mode 600 level admin

defaults
    mode http
    option http-server-close
    option redispatch 1
    retries 30
    timeout connect 5s
    timeout queue 30s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    timeout http-request 1m
    timeout http-keep-alive 1m

frontend stable
    bind {bind}
    default_backend slots

backend slots
    option forwardfor
{servers}
"""


@dataclass(frozen=True)
class Server:
    """What the proxy says about one slot.

    Attributes:
        port: Where it sends requests.
        state: `ready`, `drain` (gets nothing new), `maint` (gets nothing), or another word of HAProxy's.
        open: Requests that it has given to the slot and that are not answered yet, those that wait among them.
    """

    port: int
    state: str
    open: int


def find_program() -> str | None:
    """Return the path of HAProxy on this host; None where there is none."""
    return shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), _PLACES]))


def command(program: str, folder: str) -> list[str]:
    """Return how it is started; it works in its folder, as the path of a socket may have no more than 107 bytes."""
    return [program, "-db", "-C", folder, "-f", CONFIGURATION]


def render(address: str, port: int, ports: Mapping[str, int], live: str) -> str:
    """Return the configuration.

    Args:
        address: Where it listens.
        port: The same.
        ports: Slot -> port; a slot that has none yet is left out at the start, and cannot be led to: name both.
        live: The slot that gets requests; empty: none does.
    """
    family = "ipv6" if ":" in address else "ipv4"
    servers = [
        "    server {} {}:{}{}".format(name, SLOT_ADDRESS, number, "" if name == live else " disabled")
        for name, number in sorted(ports.items())
    ]
    return _TEXT.format(socket=SOCKET, bind="{}@{}:{}".format(family, address, port), servers="\n".join(servers))


def write(folder: str, text: str, name: str = CONFIGURATION) -> None:
    """Write the configuration for the next start, durably; nothing happens when it says that already.

    Raises:
        OSError: It cannot be written.
    """
    path = os.path.join(folder, name)
    if not os.path.exists(path) or durable_files.tail(path) != text:
        durable_files.write_text(path, text, 0o644)  # the proxy may have an account of its own, and the folder


def lead(folder: str, name: str, port: int) -> None:
    """Tell a running proxy where a slot listens, and to give it all new requests; the other slot drains.

    All of it is one line: whoever dies before or after it leaves one slot that gets requests, never two or none.

    Raises:
        HostError: It does not answer, or did not do so.
    """
    others = [other for other in list_servers(folder) if other != name]
    words = ["addr {} port {}".format(SLOT_ADDRESS, port), "state " + READY]
    line = ["set server slots/{} {}".format(name, word) for word in words]
    line += ["set server slots/{} state {}".format(other, DRAIN) for other in others]
    _tell(folder, "; ".join(line))
    found = list_servers(folder)
    ready = [(other, server.port) for other, server in found.items() if server.state == READY]
    if ready != [(name, port)]:
        message = "the proxy was told to lead to slot {} on port {} and does not".format(name, port)
        raise HostError("not_ready", message, [evidence("proxy", repr(found))])


def hold(folder: str, name: str) -> None:
    """Tell a running proxy to let what is asked of a slot wait: it finds nobody there, and tries again.

    What the slot has already is not touched; `lead` ends the waiting.

    Raises:
        HostError: It does not answer.
    """
    _tell(folder, "set server slots/{} addr {} port {}".format(name, SLOT_ADDRESS, NO_PORT))


def set_state(folder: str, name: str, state: str) -> None:
    """Tell a running proxy what a slot gets: `DRAIN` or `MAINT`.

    Raises:
        HostError: It does not answer.
    """
    _tell(folder, "set server slots/{} state {}".format(name, state))


def close_stable_port(folder: str) -> None:
    """Tell a running proxy to listen no more; what is under way goes on.

    Raises:
        HostError: It does not answer.
    """
    _tell(folder, "shutdown frontend stable")


def list_servers(folder: str) -> dict[str, Server]:
    """Return what a running proxy says about each slot, by name.

    Raises:
        HostError: It does not answer, or not as HAProxy does.
    """
    said = _tell(folder, "show stat slots 4 -1")
    try:
        rows = csv.DictReader(said.lstrip("# ").splitlines())
        return {row["svname"]: _server(row) for row in rows}
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise HostError("not_ready", "the proxy does not answer as HAProxy does", [evidence("proxy", said)]) from error


def find_servers(folder: str) -> dict[str, Server] | None:
    """Return the same, or None when no proxy runs that answers."""
    try:
        return list_servers(folder)
    except HostError:
        return None


def _server(row: Mapping[str, str]) -> Server:
    status = row["status"]
    return Server(
        port=int(row["addr"].rpartition(":")[2]),
        state=_STATUSES.get(status, status),
        open=int(row["scur"]) + int(row["qcur"]),
    )


def _tell(folder: str, line: str) -> str:
    try:
        with _connected(folder) as connection:
            connection.sendall(line.encode("ascii") + b"\n")
            return _receive(connection).decode("utf-8", "replace").strip()
    except OSError as error:
        raise HostError("not_ready", "the proxy does not answer: {}".format(error)) from error


@contextmanager
def _connected(folder: str) -> Iterator[socket.socket]:
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS)
            connection.connect("/proc/self/fd/{}/{}".format(handle, SOCKET))  # however deep the folder lies
            yield connection
    finally:
        os.close(handle)


def _receive(connection: socket.socket) -> bytes:
    received = b""
    while len(received) < _LIMIT_BYTES:
        part = connection.recv(65536)
        if not part:
            return received
        received += part
    raise OSError("the answer is too long")
