"""A server with the documented routes of a custom-model server, for tests: `server --code-dir DIR --address HOST:PORT ...`.

`/ping` says OK, `POST /predict/` takes CSV; a model that cannot load is 513 on both while the process lives. The model is the
number in `custom.txt`; a file `broken` beside the working folder breaks it later.
"""

from __future__ import annotations

import argparse
import json
import socketserver
from http.server import BaseHTTPRequestHandler
from pathlib import Path

BROKEN = 513


def load(folder):
    """Return the model's factor; None when it cannot be loaded."""
    try:
        return float((Path(folder) / "custom.txt").read_text())
    except ValueError:
        return None


class Handler(BaseHTTPRequestHandler):
    """Answers as documented."""

    factor = None

    def do_GET(self):
        """Say OK, or why not."""
        self._say({"message": "OK"} if self.path == "/ping" else {"message": "unknown"})

    def do_POST(self):
        """Multiply the first column."""
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().split()
        self._say({"predictions": [float(line.split(",")[0]) * (self.factor or 0) for line in lines[1:]]})

    def log_message(self, *_):
        """Say nothing."""

    def _say(self, value):
        broken = self.factor is None or Path("../broken").exists()
        body = json.dumps({"message": "ERROR: no model could be loaded"} if broken else value).encode()
        self.send_response(BROKEN if broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


parser = argparse.ArgumentParser()
parser.add_argument("verb", choices=["server"])
parser.add_argument("--code-dir", required=True)
parser.add_argument("--address", required=True)
parser.add_argument("--target-type", choices=["regression"], required=True)
parser.add_argument("--with-error-server", action="store_true", required=True)
parser.add_argument("--max-workers", type=int)
arguments = parser.parse_args()
Handler.factor = load(arguments.code_dir)
host, _, port = arguments.address.rpartition(":")
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer((host, int(port)), Handler).serve_forever()
