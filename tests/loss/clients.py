"""Closed-loop clients in a process of their own: each asks anew as soon as it was answered, until the parent says stop.

`python -m tests.loss.clients '{"port", "path", "body", "keep", "fresh", "answers"}'` (counts of clients that keep their connection
and of those that open one a request; the numbers that are right). It prints a line when all clients have been answered once, stops at
the end of its input, and prints `{"keep": {"asked", "failed", "reasons"}, "fresh": ...}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import suppress

LIMIT_SECONDS = 60.0
"""For one answer; longer is a loss, whoever may wait for more."""
_PAUSE_SECONDS = 0.02
"""After a failure: a client that cannot connect does not spin."""


class Clients:
    """All clients of a load, on one event loop."""

    def __init__(self, asked):
        self.stopping = False
        self.counts = {
            kind: {"asked": 0, "failed": 0, "reasons": Counter(), "longest": 0.0} for kind in ("keep", "fresh")
        }
        self._asked = asked
        self._answered = 0

    async def run(self):
        """Ask until told to stop."""
        loops = [self._client(kind) for kind in ("keep", "fresh") for _ in range(self._asked[kind])]
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*loops)
        watching.cancel()

    async def _watch(self):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        self.stopping = True

    async def _client(self, kind):
        count, connection, first = self.counts[kind], None, True
        while not self.stopping:
            began = time.monotonic()
            count["asked"] += 1
            try:
                connection = await asyncio.wait_for(self._ask(kind, connection), LIMIT_SECONDS)
            except (TimeoutError, OSError, EOFError, ValueError) as error:
                count["failed"] += 1
                count["reasons"][f"{type(error).__name__}: {error}"[:120]] += 1
                connection = None
                await asyncio.sleep(_PAUSE_SECONDS)
            count["longest"] = max(count["longest"], time.monotonic() - began)
            if first:
                first = False
                self._tell_begun()
        if connection is not None:
            connection[1].close()

    def _tell_begun(self):
        self._answered += 1
        if self._answered == self._asked["keep"] + self._asked["fresh"]:
            print("begun", flush=True)  # noqa: T201 - the parent waits for it

    async def _ask(self, kind, connection):
        """Ask once; return the connection where it is kept."""
        reader, writer = connection or await asyncio.open_connection("127.0.0.1", self._asked["port"])
        kept = False
        try:
            body = self._asked["body"].encode()
            wish = "keep-alive" if kind == "keep" else "close"
            head = f"POST {self._asked['path']} HTTP/1.1\r\nHost: loss\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: {wish}\r\n\r\n".encode() + body)
            status, headers, content = await receive(reader)
            self._check(status, content)
            kept = kind == "keep" and headers.get("connection", "") != "close"
        finally:
            if not kept:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        return (reader, writer) if kept else None

    def _check(self, status, content):
        if status != 200:
            raise ValueError(f"status {status}")
        said = json.loads(content)
        number = said["predictions"][0] if "predictions" in said else said["outputs"][0]["data"][0]
        if number not in self._asked["answers"]:
            raise ValueError(f"{number} is not the answer")


async def receive(reader):
    """Return status, headers and body of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip().lower() for name, _, value in (line.partition(":") for line in head[1:]) if name
    }
    length = headers.get("content-length")
    content = await (reader.readexactly(int(length)) if length else reader.read())
    return int(head[0].split()[1]), headers, content


if __name__ == "__main__":
    clients = Clients(json.loads(sys.argv[1]))
    asyncio.run(clients.run())
    print(json.dumps(clients.counts), flush=True)  # noqa: T201 - the parent reads it
