"""A model server that takes as long as it is told: `PROGRAM --port N --address A`; `/health`, and `/predict` of `{"seconds"}`."""

from __future__ import annotations

import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Waits, and says which port it has."""

    def do_GET(self):
        """Say that it is well."""
        self._say({})

    def do_POST(self):
        """Take its time."""
        time.sleep(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["seconds"])
        self._say({"port": self.server.server_port})

    def log_message(self, *_):
        """Say nothing."""

    def _say(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--address", required=True)
arguments = parser.parse_args()
ThreadingHTTPServer((arguments.address, arguments.port), Handler).serve_forever()
