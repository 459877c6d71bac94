"""A deployment's own address in front of a container that it shares with others: its routes there, and nothing else.

```
 /predictions, /info, /deployments/<its id>/predictions|info  -->  /deployments/<its entry>/predictions|info
 /ping                                                        -->  /ping
```
The entry is another one for each slot, so that a new model can be asked beside the old one.
"""

from __future__ import annotations

import http.client
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import MappingProxyType
from typing import Mapping

LIMIT_BYTES = 64 << 20
"""Of a request; the server behind takes 50 MB (its documentation)."""

_SECONDS = 600.0
_NOT_PASSED_ON = ("connection", "host", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade")


def serve(address: str, port: str, inner_port: str, entry: str, deployment_id: str) -> int:
    """Forward what is asked at an address to one entry of the server on a loopback port; never returns."""

    class Handler(_Forwarder):
        inner = int(inner_port)
        paths = paths_of(entry, deployment_id)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def server_bind(self) -> None:
            """Listen, without a look at what the host is called: that asks name servers."""
            TCPServer.server_bind(self)
            self.server_name, self.server_port = address, int(port)

    if ":" in address:
        Server.address_family = socket.AF_INET6
    with Server((address, int(port)), Handler) as server:
        server.serve_forever()
    return 0


def paths_of(entry: str, deployment_id: str) -> dict[str, str]:
    """Return path as it is asked -> path behind."""
    found = {"/ping": "/ping"}
    for what in ("/predictions", "/info"):
        inner = "/deployments/{}{}".format(entry, what)
        found[what] = found["/deployments/{}{}".format(deployment_id, what)] = inner
    return found


class _Forwarder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    inner = 0
    paths: Mapping[str, str] = MappingProxyType({})

    def do_GET(self) -> None:
        """Forward."""
        self._forward(None)

    def do_POST(self) -> None:
        """Forward with the body, whose length must be said."""
        said = self.headers.get("Content-Length", "")
        if not said.isdigit():
            self._refuse(411, "say Content-Length")
        elif int(said) > LIMIT_BYTES:
            self._refuse(413, "at most {} bytes".format(LIMIT_BYTES))
        else:
            self._forward(self.rfile.read(int(said)))

    def log_message(self, *_: object) -> None:
        """Say nothing: the server behind has a log."""

    def _forward(self, body: bytes | None) -> None:
        path, mark, query = self.path.partition("?")
        if path not in self.paths:
            self._refuse(404, "this address serves {}".format(", ".join(self.paths)))
            return
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _NOT_PASSED_ON}
        connection = http.client.HTTPConnection("127.0.0.1", self.inner, timeout=_SECONDS)
        try:
            connection.request(self.command, self.paths[path] + mark + query, body, dict(headers, Connection="close"))
            answer = connection.getresponse()
            self._answer(answer.status, answer.getheaders(), answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._refuse(502, "the shared server does not answer: {!r}".format(error))
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for key, value in headers:
            if key.lower() not in (*_NOT_PASSED_ON, "date", "server"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, text: str) -> None:
        self.close_connection = True
        self._answer(status, [("Content-Type", "text/plain")], text.encode() + b"\n")
