"""The connections of a relay: who speaks, who gets it, and when one that nobody uses is closed. See `relay`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .haproxy import NO_PORT, READY, SLOT_ADDRESS

QUIET_SECONDS = 0.5
"""Silence after which an answered connection to a slot that gets nothing more is no longer used."""

WAIT_SECONDS = 30.0
"""How long a request waits for a model; then its connection is closed, without an answer."""

MOST_CONNECTIONS = 4096
_RETRY_SECONDS = 0.05
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
        if len(self._relay.clients) >= MOST_CONNECTIONS:
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
        target = self._relay.target
        while target is not None:
            name, port = target[0], target[1].port
            upstream = await _reach(port)
            target = self._relay.target
            if upstream is not None and target is not None and (target[0], target[1].port) == (name, port):
                self._connecting = None
                self._enter(name, upstream)
                return
            if upstream is not None:
                upstream.transport.close()  # led elsewhere meanwhile; nothing was sent
        self._connecting = None  # until somebody is there

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


async def _reach(port: int) -> Upstream | None:
    """Connect to a slot; None, a moment later, when nobody listens there."""
    upstream = Upstream(port)
    try:
        await asyncio.get_running_loop().create_connection(lambda: upstream, SLOT_ADDRESS, port)
    except OSError:
        await asyncio.sleep(_RETRY_SECONDS)
        return None
    return upstream
