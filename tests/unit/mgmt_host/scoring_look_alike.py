"""In place of `mlflow`'s package in tests: `python -m mlflow models serve` as its documentation has it, in a tenth of a second.

The routes `/health` and `/invocations`, and the model's factor from the folder it is given; a child serves, as MLflow's does.
"""

from __future__ import annotations

import argparse
import json
import os
import socketserver
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Answers as a linear model does."""

    factor = 1.0

    def do_GET(self):
        """Say that it is well."""
        self._say(200 if self.path == "/health" else 404, {})

    def do_POST(self):
        """Multiply."""
        split = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["dataframe_split"]
        self._say(200, {"predictions": [[value * self.factor for value in row] for row in split["data"]]})

    def log_message(self, *_):
        """Say nothing."""

    def _say(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def parse():
    """Return what `mlflow models serve` is told; the environment must keep it from calling home."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs=2, choices=["models", "serve"])
    parser.add_argument("--model-uri", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--env-manager", choices=["local"], required=True)
    parser.add_argument("--workers", choices=["1"], required=True)
    return parser.parse_args()


arguments = parse()
if os.environ["MLFLOW_DISABLE_TELEMETRY"] != "true":
    sys.exit("it would call home")
if "SERVES" not in os.environ:
    sys.exit(subprocess.call([sys.executable, *sys.orig_argv[1:]], env={**os.environ, "SERVES": "1"}))
Handler.factor = float((Path(arguments.model_uri) / "MLmodel").read_text().rpartition(":")[2])
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer((arguments.host, arguments.port), Handler).serve_forever()
