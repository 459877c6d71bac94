"""A model server of the standard library that tells what it was given, and is careless enough to print its secret.

`PROGRAM PORT [end]`: with `end` it ends once it has printed. Packages of tests carry it.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

secret = Path(os.environ["API_KEY_FILE"]).read_text()
sys.stdout.write(f"the key is {secret}\n")
sys.stdout.flush()
if sys.argv[2:] == ["end"]:
    sys.exit(3)
TOLD = {
    "secret_sha256": hashlib.sha256(secret.encode()).hexdigest(),
    "threads": os.environ["MODEL_THREADS"],
    "gpus": os.environ["CUDA_VISIBLE_DEVICES"],
    "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
}


class Handler(BaseHTTPRequestHandler):
    """Answers everything alike."""

    def do_GET(self):
        """Tell."""
        body = json.dumps(TOLD).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
