"""A model server of the blocking kind: four workers take one connection each, and who comes meanwhile waits in the kernel's queue.

`PROGRAM --port N --address A --factor F [--megabytes M --load-seconds S]`. An answer takes 20 ms. SIGTERM ends it politely: workers answer
what they have taken. It may take that much memory, and that long until it listens.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import threading
import time

WORKERS = 4
ANSWER_SECONDS = 0.02
_LIMIT_BYTES = 1 << 16


def receive(connection):
    """Return a request, whole; empty when the client went away."""
    received = b""
    while b"\r\n\r\n" not in received or len(received) < whole_length(received):
        part = connection.recv(_LIMIT_BYTES)
        if not part:
            return b""
        received += part
    return received


def whole_length(received):
    """Return how long a request is, of which the head has come."""
    head, _, _ = received.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + 4 + (int(lengths[0]) if lengths else 0)


def work(listening, factor, stopping):
    """Answer one request a connection, for ever."""
    body = json.dumps({"predictions": [factor]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    while not stopping.is_set():
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(10.0)
            try:
                if receive(connection):
                    time.sleep(ANSWER_SECONDS)
                    connection.sendall(head + body)
            except OSError:
                continue


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--address", required=True)
parser.add_argument("--factor", type=float, required=True)
parser.add_argument("--megabytes", type=int, default=0)
parser.add_argument("--load-seconds", type=float, default=0.0)
arguments = parser.parse_args()
weights = b"w" * (arguments.megabytes << 20)
time.sleep(arguments.load_seconds)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
server = socket.create_server((arguments.address, arguments.port), backlog=1024)
server.settimeout(0.2)
ending = threading.Event()
workers = [threading.Thread(target=work, args=(server, arguments.factor, ending)) for _ in range(WORKERS)]
for worker in workers:
    worker.start()
signal.sigwait([signal.SIGTERM])
ending.set()
for worker in workers:
    worker.join()
os._exit(0)
