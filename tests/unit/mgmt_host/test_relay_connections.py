"""What a relay does with each connection: who gets it, how much of it is kept, and when it ends. Sockets are real, on loopback."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

import pytest
from mgmt_host.switching import haproxy, relay_connections
from mgmt_host.switching.relay_connections import Client, Relay, Server

PATIENCE = 60
MUCH = 64 << 20
LITTLE = 4 << 20
"""More than the buffers of a connection on loopback and of its two ends may keep."""


class Slot:
    """A model server that a test plays: `accepted` are its connections, in the order they came."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.opened: list[asyncio.StreamWriter] = []
        self.count = 0

    async def start(self) -> Slot:
        """Listen."""
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _accept(self, *pair) -> None:
        self.count += 1
        self.opened.append(pair[1])
        await self.accepted.put(pair)

    async def take(self):
        """Return the next connection."""
        return await patiently(self.accepted.get())


async def patiently(awaitable):
    """Await it, but not for ever."""
    return await asyncio.wait_for(awaitable, PATIENCE)


async def until(condition):
    """Wait until it holds."""
    for _ in range(PATIENCE * 100):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen in time")


class Stage:
    """A relay before slots `a`, which is ready, and `b`."""

    def __init__(self, first: Slot, second: Slot, patch) -> None:
        self.a, self.b = first, second
        self.relay = Relay({"a": Server(first.port, haproxy.READY), "b": Server(second.port, haproxy.MAINT)})
        self.opened: list[asyncio.StreamWriter] = []
        self._patch = patch

    async def start(self) -> None:
        """Listen, and sweep as `relay.serve` does."""
        self.server = await asyncio.get_running_loop().create_server(lambda: Client(self.relay), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.sweeping = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            self.relay.sweep()
            await asyncio.sleep(0.01)

    async def connect(self):
        """Return a client's reader and writer."""
        pair = await patiently(asyncio.open_connection("127.0.0.1", self.port))
        self.opened.append(pair[1])
        return pair

    def patch(self, name: str, value: object) -> None:
        """Let the relay take another value for one of its names."""
        self._patch(relay_connections, name, value)

    def lead(self, name: str) -> None:
        """Give what is asked from now on to a slot; to none of them when there is none of that name."""
        for one, server in self.relay.servers.items():
            server.state = haproxy.READY if one == name else haproxy.DRAIN
        self.relay.changed()

    @property
    def client(self) -> Client:
        """The only connection there is."""
        (only,) = self.relay.clients
        return only

    async def end(self) -> None:
        """Close all there is, and let it go."""
        self.sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await self.sweeping
        for server in (self, self.a, self.b):
            server.server.close()
            for writer in server.opened:
                if not writer.is_closing():
                    writer.transport.abort()
        await until(lambda: not self.relay.clients)
        await asyncio.sleep(0.05)


def played(scene):
    """Make a test of a coroutine that is given a stage."""

    def test(monkeypatch):
        async def play():
            stage = Stage(await Slot().start(), await Slot().start(), monkeypatch.setattr)
            await stage.start()
            try:
                await scene(stage)
            finally:
                await stage.end()

        asyncio.run(asyncio.wait_for(play(), 4 * PATIENCE))

    test.__doc__ = scene.__doc__
    return test


@played
async def test_an_interim_answer_is_not_the_answer(stage):
    """Who was told to go on sends its body to the same model, also when requests are led elsewhere by then."""
    reader, writer = await stage.connect()
    writer.write(b"head")
    asked, answers = await stage.a.take()
    assert b"head" == await patiently(asked.readexactly(4))
    answers.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await patiently(reader.readuntil(b"\r\n\r\n"))
    stage.lead("b")
    writer.write(b"body")
    assert b"body" == await patiently(asked.readexactly(4))
    answers.write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert b"HTTP/1.1 200 OK\r\n\r\n" == await patiently(reader.readuntil(b"\r\n\r\n"))
    assert 0 == stage.b.count


@played
async def test_of_a_request_that_waits_little_is_kept(stage):
    """The rest stays with the client, and comes when somebody is there."""
    stage.lead("nobody")
    _, writer = await stage.connect()
    writer.write(b"x" * MUCH)
    await until(stage.relay.count_waiting)
    await asyncio.sleep(0.2)
    assert 0 < len(stage.client._waiting) < LITTLE
    stage.lead("b")
    asked, _ = await stage.b.take()
    await patiently(asked.readexactly(MUCH))


@played
async def test_a_slow_reader_stops_who_answers(stage):
    """What a client does not take is not kept for it."""
    reader, writer = await stage.connect()
    writer.write(b"question")
    _, answers = await stage.a.take()
    answers.write(b"x" * MUCH)
    await asyncio.sleep(0.5)
    assert stage.client.transport.get_write_buffer_size() < LITTLE
    await patiently(reader.readexactly(MUCH))


@played
async def test_a_slow_model_stops_who_asks(stage):
    """What a model does not take is not kept for it."""
    _, writer = await stage.connect()
    writer.write(b"x")
    asked, _ = await stage.a.take()
    writer.write(b"x" * MUCH)
    await asyncio.sleep(0.5)
    assert stage.client.upstream.transport.get_write_buffer_size() < LITTLE
    await patiently(asked.readexactly(MUCH + 1))


@played
async def test_too_many_connections_are_closed_at_once(stage):
    """And those there are go on."""
    stage.patch("MOST_CONNECTIONS", 1)
    reader, writer = await stage.connect()
    await until(lambda: stage.relay.clients)
    refused, _ = await stage.connect()
    with suppress(ConnectionError):
        assert b"" == await patiently(refused.read(1))
    writer.write(b"question")
    asked, answers = await stage.a.take()
    await patiently(asked.readexactly(8))
    answers.write(b"answer")
    assert b"answer" == await patiently(reader.readexactly(6))


@played
async def test_who_waits_too_long_is_told_by_the_end_of_its_connection(stage):
    """It is not kept for ever where no model comes."""
    stage.patch("WAIT_SECONDS", 0.1)
    stage.lead("nobody")
    reader, writer = await stage.connect()
    writer.write(b"question")
    assert b"" == await patiently(reader.read(1))
    await until(lambda: not stage.relay.clients)


@played
async def test_who_asks_nothing_more_is_answered(stage):
    """The model is told that there is no more, and its answer arrives."""
    reader, writer = await stage.connect()
    writer.write(b"question")
    asked, answers = await stage.a.take()
    await patiently(asked.readexactly(8))
    writer.write_eof()
    assert b"" == await patiently(asked.read(1))
    answers.write(b"answer")
    answers.close()
    assert b"answer" == await patiently(reader.read())


@played
async def test_the_end_of_a_question_waits_with_it(stage):
    """It reaches the model that comes."""
    stage.lead("nobody")
    _, writer = await stage.connect()
    writer.write(b"question")
    writer.write_eof()
    await until(stage.relay.count_waiting)
    stage.lead("b")
    asked, _ = await stage.b.take()
    assert b"question" == await patiently(asked.read())


@played
async def test_a_switch_while_connecting_leads_to_the_new_model(stage):
    """The one that was reached too late is told nothing."""
    reach = relay_connections._reach

    async def reach_late(port):
        reached = await reach(port)
        if port == stage.a.port:
            stage.lead("b")
        return reached

    stage.patch("_reach", reach_late)
    _, writer = await stage.connect()
    writer.write(b"question")
    asked, _ = await stage.b.take()
    assert b"question" == await patiently(asked.readexactly(8))
    late, _ = await stage.a.take()
    assert b"" == await patiently(late.read())


@played
async def test_who_goes_away_unanswered_ends_the_models_work(stage):
    """The model learns of it, and has nothing open of it any more."""
    _, writer = await stage.connect()
    writer.write(b"question")
    asked, _ = await stage.a.take()
    await patiently(asked.readexactly(8))
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    with suppress(ConnectionError):
        assert b"" == await patiently(asked.read(1))
    await until(lambda: stage.relay.count_open("a") == 0)


@played
async def test_a_model_that_ends_a_connection_ends_it_for_its_client(stage):
    """All that was answered arrives before."""
    reader, writer = await stage.connect()
    writer.write(b"question")
    _, answers = await stage.a.take()
    answers.write(b"x" * LITTLE)
    answers.close()
    assert LITTLE == len(await patiently(reader.read()))
    await until(lambda: not stage.relay.clients)


def test_nothing_is_led_to_a_slot_without_a_port():
    """The discard port stands for none."""
    assert (False, False, True) == (
        Server(haproxy.NO_PORT, haproxy.READY).open,
        Server(8080, haproxy.DRAIN).open,
        Server(8080, haproxy.READY).open,
    )
