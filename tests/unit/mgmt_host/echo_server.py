"""A model server that knows nothing of us, of the standard library only: `PROGRAM --port N --address A --factor F`.

It answers `/health`, and `/predict` multiplies `{"rows": [...]}`. Packages of tests carry it.
"""

from __future__ import annotations

import argparse
import json
import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Answers from the arguments alone."""

    factor = 1.0

    def do_GET(self):
        """Say that it is well."""
        self._say(200 if self.path == "/health" else 404, {"pid": os.getpid()})

    def do_POST(self):
        """Multiply."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(200, {"predictions": [[value * self.factor for value in row] for row in asked["rows"]]})

    def log_message(self, *_):
        """Say nothing: a server's name may be looked up for ever."""

    def _say(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--address", required=True)
parser.add_argument("--factor", type=float, required=True)
arguments = parser.parse_args()
Handler.factor = arguments.factor
sys.stdout.write("listening\n")
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer((arguments.address, arguments.port), Handler).serve_forever()
