"""A model server for tests that start hundreds: standard library only, no model, the right answers.

Run as `python -I -S cheap_server.py PROGRAM_DIR SLOT_DIR [LIFE_SECONDS]`; it answers the smoke request with what the package expects.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from mgmt_host.content import packages  # the program that this host side left on the host


def take_port(config, folder):
    """Return the listening socket; waits as the real server does."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + config["bind_wait_seconds"]
    (folder / "loaded").touch()
    while True:
        try:
            listening.bind((config["bind_address"], config["port"]))
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.005)
        else:
            listening.listen(64)
            return listening


def answers(config):
    """Return what is said about the model, and to the smoke request."""
    rows, kept_open = packages.measure(config["package_dir"])
    manifest = json.loads((Path(config["package_dir"]) / packages.MANIFEST_NAME).read_text())
    said = {"package_digest": packages.manifest_digest(rows), "generation": config["generation"]}
    outputs = [{"name": name, "data": wanted["data"]} for name, wanted in manifest["smoke"]["expect"].items()]
    return {"parameters": said, "outputs": outputs}, kept_open


def serve(folder):
    """Answer every request with the same, one at a time."""
    config = json.loads((folder / "slot.json").read_text())
    answer, _kept_open = answers(config)
    body = json.dumps(answer).encode()
    listening = take_port(config, folder)
    while True:
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(30.0)
            try:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
            except OSError:
                continue


if len(sys.argv) > len(("program", "program_dir", "slot_dir")):
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[3]))
serve(Path(sys.argv[2]))
