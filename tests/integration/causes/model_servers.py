"""Model servers that do what a test wants, instead of ours; each gets its slot's folder as its argument."""

from __future__ import annotations

HEAD = """\
import json, os, signal, sys
config = json.load(open(sys.argv[1] + "/slot.json"))
def loaded():
    open(sys.argv[1] + "/loaded", "w").close()
"""
ANSWERING = (
    HEAD
    + """\
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path.startswith("/v2/health")
        parameters = {"package_digest": DIGEST, "generation": config["generation"]}
        body = json.dumps({} if ready else {"parameters": parameters}).encode()
        self.send_response(STATUS if ready else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
def serve():
    server = HTTPServer((config["bind_address"], config["port"]), Answers)
    loaded()
    server.serve_forever()
"""
)


def answering(*, digest: str = 'config["digest"]', status: int = 200, by: str = "serve()\n") -> str:
    """Return a model server that loads nothing."""
    return f"STATUS = {status}\n" + ANSWERING.replace("DIGEST", digest) + by
