"""Servers on loopback that take notifications: what speaks like Slack, and a mail server; each can go away, hang and come back."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


@dataclass
class Taken:
    """One request: `headers` by small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class HttpListener:
    """Takes POSTs; answers `status` with `answer_headers`."""

    port: int = 0
    status: int = 200
    answer_headers: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                listener.taken.append(Taken(self.path, headers, body))
                self.send_response(listener.status)
                for name, value in listener.answer_headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class MailListener:
    """A mail server without passwords; `mails` are what it took."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd asks for it
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=60.0)
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()


@contextmanager
def hanging(port: int, *, drip: bool = False) -> Iterator[list[socket.socket]]:
    """Accept connections and never answer, or (`drip`) never come to an end; yields those that came."""
    came: list[socket.socket] = []
    ended = threading.Event()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listener.settimeout(0.05)

        def accept() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    came.append(listener.accept()[0])
                for one in came if drip else ():
                    with suppress(OSError):
                        one.send(b"H")

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield came
        finally:
            ended.set()
            thread.join()
            for one in came:
                one.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
