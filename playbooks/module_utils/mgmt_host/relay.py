"""The relay of traffic kind `systemd_socket`: it takes connections from a port that systemd holds, and leads them to a slot.

```
 client --kept connection--> systemd's socket | relay | --> 127.0.0.1: slot a (ready)  slot b (maint)
```
It is told what to do by the same lines as HAProxy, see `haproxy`, and reads no HTTP. A client that speaks after it was answered
asks anew: that is led to whatever slot is ready by then, and waits while none is. So a kept connection moves to the new model
between two requests. A connection that nobody uses, to a slot that gets nothing more, is closed: see `QUIET_SECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import time
from contextlib import suppress
from typing import Any

from .haproxy import DRAIN, MAINT, NO_PORT, READY, SLOT_ADDRESS, SOCKET

CONFIGURATION = "relay.json"
QUIET_SECONDS = 0.5
"""Silence after which an answered connection to a slot that gets nothing more is no longer used."""

WAIT_SECONDS = 30.0
"""How long a request waits for a model; then its connection is closed, without an answer."""

_RETRY_SECONDS = 0.05
_SWEEP_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_MOST_CONNECTIONS = 4096
_MOST_WORDS = 4096
_FIRST_PASSED = 3
"""Number of the first file that systemd passes (sd_listen_fds(3))."""

_LAST_PORT = 65535
_SAID = {READY: "no check", DRAIN: "DRAIN", MAINT: "MAINT"}
_INTERIM = (b"HTTP/1.1 100", b"HTTP/1.0 100")


class Server:
    """Where a slot listens, and what it gets.

    Attributes:
        port: Of the slot on loopback; `NO_PORT`: nobody is there, requests wait.
        state: `READY`, `DRAIN` or `MAINT`.
    """

    def __init__(self, port: int, state: str) -> None:
        self.port = port
        self.state = state

    @property
    def open(self) -> bool:
        """Whether requests can be led to it."""
        return self.state == READY and self.port != NO_PORT


class Relay:
    """All of a deployment's connections, and who gets them.

    Args:
        servers: By slot.
    """

    def __init__(self, servers: dict[str, Server]) -> None:
        self.servers = servers
        self.clients: set[Client] = set()
        self.listening: asyncio.AbstractServer | None = None
        self.woken = asyncio.Event()

    @property
    def target(self) -> tuple[str, Server] | None:
        """The slot that gets requests now; None while they wait."""
        return next(((name, server) for name, server in self.servers.items() if server.open), None)

    def changed(self) -> None:
        """Lead on what waits, now that servers changed."""
        for client in list(self.clients):
            client.lead()
        self.woken.set()

    def sweep(self) -> bool:
        """Close what nobody uses, and what waited too long; return whether any may have to be closed soon."""
        now = time.monotonic()
        return sum(client.look(now) for client in list(self.clients)) > 0

    def count_open(self, name: str) -> int:
        """Return how many connections a slot still has."""
        return sum(client.upstream is not None and client.slot == name for client in self.clients)

    def count_waiting(self) -> int:
        """Return how many requests wait."""
        return sum(client.waits for client in self.clients)


class Client(asyncio.Protocol):
    """A connection of a client; what it asks goes to one slot at a time.

    Attributes:
        slot: Who has it.
        upstream: Connection to that slot, or None.
        waits: Whether it asked something that nobody has yet.
    """

    def __init__(self, relay: Relay) -> None:
        self.slot = ""
        self.upstream: Upstream | None = None
        self.transport: asyncio.Transport | None = None
        self.waits = False
        self.asks = False
        self._relay = relay
        self._waiting = b""
        self._spoke = time.monotonic()
        self._connecting: asyncio.Task[None] | None = None
        self._ended = False

    def connection_made(self, transport: Any) -> None:
        """Take it, unless there are too many."""
        self.transport = transport
        if len(self._relay.clients) >= _MOST_CONNECTIONS:
            transport.abort()
            return
        self._relay.clients.add(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what belongs to a request under way; lead a new one to who is ready now."""
        self._spoke = time.monotonic()
        if self.upstream is not None and (self.asks or self._is_led_there()):
            self.asks = True
            self.upstream.transport.write(data)
            return
        self._leave()
        self.asks = self.waits = True
        self._waiting += data
        self._pause()
        self.lead()

    def eof_received(self) -> bool:
        """Let who answers know that nothing more is asked; what is under way is answered all the same."""
        self._ended = True
        if self.upstream is not None and self.upstream.transport.can_write_eof():
            self.upstream.transport.write_eof()
        return self.upstream is not None or self.waits

    def connection_lost(self, _: Exception | None) -> None:
        """Forget it."""
        self._relay.clients.discard(self)
        if self._connecting is not None:
            self._connecting.cancel()
        self.waits = False
        self._leave()

    def pause_writing(self) -> None:
        """Read no more from the slot than the client takes."""
        if self.upstream is not None:
            self.upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self.upstream is not None:
            self.upstream.transport.resume_reading()

    def lead(self) -> None:
        """Begin to lead what waits to the slot that is ready, if one is."""
        if self.waits and self._connecting is None and self._relay.target is not None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def look(self, now: float) -> bool:
        """Close it if nobody uses it although its slot gets nothing more, or if it waited too long; return whether that may come."""
        silent, left = now - self._spoke, self.upstream is not None and not self._is_led_there()
        if (left and not self.asks and silent > QUIET_SECONDS) or (self.waits and silent > WAIT_SECONDS):
            self.close()
        return left or self.waits

    def answered(self, data: bytes) -> None:
        """Pass on what the slot says."""
        self._spoke = time.monotonic()
        if not data.startswith(_INTERIM):
            self.asks = False
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        """Close it, when all is sent that it was answered."""
        if self.transport is not None:
            self.transport.close()

    def _is_led_there(self) -> bool:
        target = self._relay.target
        return target is not None and self.upstream is not None and self.upstream.port == target[1].port

    def _leave(self) -> None:
        left, self.upstream = self.upstream, None
        if left is not None:
            left.client = None
            left.transport.abort() if self.asks else left.transport.close()

    def _pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing() and not self._ended:
            self.transport.pause_reading()

    async def _connect(self) -> None:
        loop, upstream = asyncio.get_running_loop(), None
        while upstream is None:
            target = self._relay.target
            if target is None:
                break
            name, port = target[0], target[1].port
            try:
                _, upstream = await loop.create_connection(lambda at=port: Upstream(at), SLOT_ADDRESS, port)
            except OSError:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if self._relay.target != target or target[1].port != port:  # led elsewhere meanwhile; nothing was sent
                upstream.transport.close()
                upstream = None
        self._connecting = None
        if upstream is not None:
            self._enter(name, upstream)

    def _enter(self, name: str, upstream: Upstream) -> None:
        upstream.client, self.upstream, self.slot, self.waits = self, upstream, name, False
        upstream.transport.write(self._waiting)
        self._waiting = b""
        self._spoke = time.monotonic()
        if self._ended and upstream.transport.can_write_eof():
            upstream.transport.write_eof()
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()


class Upstream(asyncio.Protocol):
    """A connection to a slot, for one client.

    Attributes:
        port: Of the slot.
        client: For whom; None when that one has left.
        transport: Set once connected.
    """

    transport: asyncio.Transport

    def __init__(self, port: int) -> None:
        self.port = port
        self.client: Client | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep what writes to it."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.client is not None:
            self.client.answered(data)

    def connection_lost(self, _: Exception | None) -> None:
        """The slot has ended it, so its client's ends too."""
        if self.client is not None:
            client, self.client = self.client, None
            client.upstream = None
            client.close()

    def pause_writing(self) -> None:
        """Read no more from the client than the slot takes."""
        if self.client is not None and self.client.transport is not None:
            self.client.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self.client is not None and self.client.transport is not None:
            self.client.transport.resume_reading()


def perform(relay: Relay, line: str) -> str:
    """Do what a line of the control socket says; return what is to be answered."""
    said = [_perform(relay, command.split()) for command in line.split(";") if command.strip()]
    relay.changed()
    return "\n".join(filter(None, said))


def _perform(relay: Relay, words: list[str]) -> str:
    if words[:2] == ["show", "stat"]:
        return _table(relay)
    if words == ["shutdown", "frontend", "stable"]:
        if relay.listening is not None:
            relay.listening.close()
        return ""
    if words[:2] == ["set", "server"] and len(words) > 3:  # noqa: PLR2004 - set server slots/NAME WHAT
        return _set(relay.servers.get(words[2].partition("/")[2]), words[3:])
    return "Unknown command: {}".format(" ".join(words)[:100])


def _set(server: Server | None, words: list[str]) -> str:
    if server is None:
        return "No such server."
    if len(words) == 2 and words[0] == "state" and words[1] in _SAID:  # noqa: PLR2004 - state WORD
        server.state = words[1]
    elif words[:1] + words[2:3] == ["addr", "port"] and words[1] == SLOT_ADDRESS and _is_port(words[3:]):
        server.port = int(words[3])
    else:
        return "Not understood: {}".format(" ".join(words)[:100])
    return ""


def _is_port(words: list[str]) -> bool:
    return len(words) == 1 and words[0].isdecimal() and 0 < int(words[0]) <= _LAST_PORT


def _table(relay: Relay) -> str:
    rows = ["# svname,status,addr,scur,qcur"]
    waiting = relay.count_waiting()
    for name, server in sorted(relay.servers.items()):
        waits = waiting if server.state == READY else 0
        rows.append(
            "{},{},{}:{},{},{}".format(
                name, _SAID[server.state], SLOT_ADDRESS, server.port, relay.count_open(name), waits
            )
        )
    return "\n".join(rows)


def render(ports: dict[str, int], live: str) -> str:
    """Return the configuration with which it starts: where the slots listen, and which one gets requests; empty: none."""
    return json.dumps({"ports": ports, "live": live}, sort_keys=True) + "\n"


def parse(text: str) -> dict[str, Server]:
    """Return what such a configuration says."""
    said = json.loads(text)
    live = said["live"]
    return {name: Server(int(port), READY if name == live else MAINT) for name, port in said["ports"].items()}


def serve(folder: str) -> int:
    """Relay what comes in at the socket that systemd passed, until told to stop; return an exit code."""
    os.chdir(folder)  # the path of a socket may have no more than 107 bytes
    os.umask(0o077)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if os.environ.get("LISTEN_FDS") != "1" or os.environ.get("LISTEN_PID") != str(os.getpid()):
        print("systemd passed no socket", flush=True)  # noqa: T201 - to the log
        return 1
    with open(CONFIGURATION, encoding="utf-8") as stream:
        servers = parse(stream.read())
    asyncio.run(_serve(servers, socket.socket(fileno=_FIRST_PASSED)))
    return 0


async def _serve(servers: dict[str, Server], passed: socket.socket) -> None:
    relay = Relay(servers)  # in the loop: before Python 3.10 its event belongs to one
    loop, stopped = asyncio.get_running_loop(), []

    def stop() -> None:
        stopped.append(True)
        relay.woken.set()

    loop.add_signal_handler(signal.SIGTERM, stop)
    relay.listening = await loop.create_server(lambda: Client(relay), sock=passed, backlog=_MOST_CONNECTIONS)
    control = await asyncio.start_unix_server(lambda *pair: _answer(relay, *pair), path=SOCKET, limit=_MOST_WORDS)
    print("relaying", flush=True)  # noqa: T201 - to the log
    while not stopped:
        seconds = _SWEEP_SECONDS if relay.sweep() else _LOOK_SECONDS
        relay.woken.clear()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(relay.woken.wait(), seconds)
    control.close()
    relay.listening.close()
    for client in list(relay.clients):
        client.close()


async def _answer(relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        line = await reader.readline()
        writer.write(perform(relay, line.decode("ascii", "replace")).encode() + b"\n")
        await writer.drain()
    except (OSError, ValueError):
        return  # who asked has gone, or never ends its line
    finally:
        writer.close()
