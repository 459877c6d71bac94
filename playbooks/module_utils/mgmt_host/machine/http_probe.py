"""Ask a local server one question, with one deadline for all of it and a limit on the answer.

HTTP/1.0 by hand, because a library's time-out counts each read anew and a lying server can drip for ever (fault F17).
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any

OK = 200
LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: HTTP status code.
        body: At most `LIMIT_BYTES`.
    """

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; empty when it is something else."""
        try:
            value = json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def text(self) -> str:
        """Return status and body for people."""
        return "HTTP {}\n{}".format(self.status, self.body[:4000].decode("utf-8", "replace"))


def local_address(bind_address: str) -> str:
    """Return where a server that listens there is reached from the host itself."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(bind_address, bind_address)  # noqa: S104 - compared, not bound


def bracketed(address: str) -> str:
    """Return an address as URLs and the Host header have it."""
    return "[{}]".format(address) if ":" in address else address


def ask(
    address: str,
    port: int,
    path: str,
    body: bytes | None = None,
    seconds: float = 2.0,
    *,
    kind: str = "application/json",
) -> Answer | None:
    """Return the answer, or None when nobody answered in time, or not in HTTP.

    Args:
        address: Where to connect.
        port: TCP port.
        path: Absolute path with query.
        body: What to post; None asks with GET.
        seconds: For connection and answer together.
        kind: Media type of the body.
    """
    deadline = time.monotonic() + seconds
    try:
        with socket.create_connection((address, port), timeout=seconds) as connection:
            connection.sendall(render(address, port, path, body, kind))
            return parse(_receive(connection, deadline))
    except (OSError, ValueError):
        return None


def render(address: str, port: int, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
    """Return the question's bytes; the arguments are those of `ask`.

    Raises:
        ValueError: The path is not ASCII.
    """
    head = "{} {} HTTP/1.0\r\nHost: {}:{}\r\nAccept: application/json\r\nConnection: close\r\n".format(
        "GET" if body is None else "POST", path, bracketed(address), port
    )
    if body is not None:
        head += "Content-Type: {}\r\nContent-Length: {}\r\n".format(kind, len(body))
    return head.encode("ascii") + b"\r\n" + (body or b"")


def parse(received: bytes) -> Answer:
    """Return the answer that a server sent until it closed the connection.

    Raises:
        ValueError: That is not HTTP.
    """
    head, separator, body = received.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split()
    if not separator or len(words) <= 1 or not words[0].startswith(b"HTTP/"):
        raise ValueError("that is not HTTP")
    return Answer(int(words[1]), body)


def _receive(connection: socket.socket, deadline: float) -> bytes:
    received = b""
    while len(received) < LIMIT_BYTES:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        connection.settimeout(left)
        part = connection.recv(65536)
        if not part:
            return received
        received += part
    raise ValueError("the answer is too long")
