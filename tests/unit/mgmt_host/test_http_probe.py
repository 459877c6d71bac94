"""The probe against servers that lie, drip or never end."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from mgmt_host.machine import http_probe


@pytest.fixture
def serve():
    """Return a function that serves one connection by a handler and returns the port."""
    with contextlib.ExitStack() as stack:

        def start(handler):
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def work():
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    handler(connection)

            thread = threading.Thread(target=work)
            thread.start()
            stack.callback(thread.join)
            return listening.getsockname()[1]

        yield start


def test_an_answer_has_status_and_body(serve):
    """The common case."""
    port = serve(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}"))

    assert http_probe.Answer(200, b"{}") == http_probe.ask("127.0.0.1", port, "/")


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK"]
)
def test_what_is_not_http_is_no_answer(serve, said):
    """None, never an exception."""
    port = serve(lambda connection: connection.sendall(said))

    assert http_probe.ask("127.0.0.1", port, "/") is None


def test_an_endless_body_is_cut_off(serve):
    """A mebibyte is enough for any health answer."""

    def flood(connection):
        while True:
            connection.sendall(b"x" * 65536)

    assert http_probe.ask("127.0.0.1", serve(flood), "/") is None


def test_a_dripping_server_is_left_at_the_deadline(serve):
    """The time-out is for all of the answer, not for each byte."""

    def drip(connection):
        while True:
            connection.sendall(b"x")
            threading.Event().wait(0.02)

    assert http_probe.ask("127.0.0.1", serve(drip), "/", seconds=0.3) is None


def test_nobody_there_is_no_answer():
    """A refused connection is None."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        assert http_probe.ask("127.0.0.1", unused.getsockname()[1], "/") is None
