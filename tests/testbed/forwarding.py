"""`python -m tests.testbed.forwarding STATE`: the hosts' ports on loopback, so that programs of the machine reach them.

Listens where it was started, connects from the hub. Also the place of two faults that this needs no kernel module for: what
`forward.json` in a host's folder says holds for open connections too: `delay_ms` each way, `cut_bytes` = reset once so many
bytes went to the host in one connection.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import struct
import sys
from pathlib import Path

from tests.testbed import plans

_CLONE_NEWNET = 0x40000000
_CHUNK_BYTES = 65536
_RESET = struct.pack("ii", 1, 0)
_LOOPBACKS = tuple(f"127.77.{number}" for number in range(256))


def listen(plan: plans.Plan) -> tuple[str, list[tuple[socket.socket, plans.HostPlan, int]]]:
    """Return the first free loopback network, and listening sockets with host and the host's port.

    Raises:
        OSError: None of 256 is free.
    """
    for loopback in _LOOPBACKS:
        taken: list[tuple[socket.socket, plans.HostPlan, int]] = []
        try:
            for host in plan.hosts:
                for port in (plans.SSH_PORT, *plan.ports):
                    outside = plans.LOOPBACK_SSH_PORT if port == plans.SSH_PORT else port
                    taken.append((_bind(f"{loopback}.{host.octet}", outside), host, port))
        except OSError:
            for one, _, _ in taken:
                one.close()
        else:
            return loopback, taken
    raise OSError("no loopback network of 127.77.0 to 127.77.255 is free")


def _bind(address: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class _Connection:
    """One client's connection and its other half in the hub."""

    def __init__(self, rules_path: Path, writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self._rules_path = rules_path
        self._writers = writers

    def _rules(self) -> dict[str, float]:
        try:
            return dict(json.loads(self._rules_path.read_text()))
        except (OSError, ValueError):
            return {}

    def reset(self) -> None:
        """End both halves with a reset."""
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, inward: bool) -> None:
        """Carry bytes one way; order stays, each chunk as late as the rules say."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        drain = asyncio.create_task(self._drain(queue, writer))
        seen = 0
        try:
            while data := await reader.read(_CHUNK_BYTES):
                seen += len(data)
                rules = self._rules()
                if inward and seen > rules.get("cut_bytes", seen):
                    self.reset()
                    break
                due = asyncio.get_running_loop().time() + rules.get("delay_ms", 0) / 1000
                await queue.put((due, data))
        except OSError:
            self.reset()
        await queue.put((0, b""))
        await drain

    async def _drain(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        broken = False
        while (item := await queue.get())[1]:
            if broken:
                continue
            await asyncio.sleep(max(0.0, item[0] - asyncio.get_running_loop().time()))
            try:
                writer.write(item[1])
                await writer.drain()
            except OSError:
                broken = True
                self.reset()
        if not broken and writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()


async def _serve(plan: plans.Plan, host: plans.HostPlan, port: int, listener: socket.socket) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host.address, port)
        except OSError:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
            return
        connection = _Connection(plan.folder(host) / "forward.json", (writer, far_writer))
        inward = connection.pump(reader, far_writer, inward=True)
        outward = connection.pump(far_reader, writer, inward=False)
        await asyncio.gather(inward, outward, return_exceptions=True)
        writer.close()
        far_writer.close()

    server = await asyncio.start_server(accept, sock=listener)
    await server.serve_forever()


async def main(state: str) -> None:
    """Listen, tell which loopback network was free (`loopback` in the state folder), and carry until killed."""
    plan = plans.load(Path(state))
    loopback, listeners = listen(plan)
    hub = os.open(f"/run/netns/{plan.hub}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(hub, _CLONE_NEWNET):  # every new socket belongs to the hub from here on
        raise OSError(ctypes.get_errno(), "setns")
    os.close(hub)
    draft = plan.state / "loopback.draft"
    draft.write_text(loopback)
    draft.replace(plan.state / "loopback")
    await asyncio.gather(*(_serve(plan, host, port, listener) for listener, host, port in listeners))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
