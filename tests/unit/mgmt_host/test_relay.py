"""The relay between a port that systemd holds and a deployment's slots: a real process, passed its socket as systemd does."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mgmt_host import programs
from mgmt_host.layout import Layout
from mgmt_host.switching import haproxy, relay, relay_connections

from tests.unit.mgmt_host.test_operations import wait_for

PASSING = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execve(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
"""


NONSENSE = (
    b"\n",
    b"\xff\xfe\n",
    b"quit\n",
    b"set server slots/a\n",
    b"set server slots/c state ready\n",
    b"set server slots/b state gone\n",
    b"set server slots/a addr 127.0.0.1 port 0\n",
    b"set server slots/a addr 127.0.0.1 port 65536\n",
    b"set server slots/a addr 127.0.0.1 port -1\n",
    b"set server slots/a addr 10.0.0.1 port 80\n",
    b"set server slots/a addr 127.0.0.1 port 80 90\n",
    b"x" * 100_000 + b"\n",
)


class Model:
    """A slot's server, whose answers are its name; it answers when `let` is set."""

    def __init__(self, name):
        self.let, self.asked = threading.Event(), threading.Event()
        self.let.set()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                model.asked.set()
                model.let.wait(60)
                answer = name.encode() + b" " + str(len(body)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Close its port; connections it has go on."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def models():
    """Return the servers of slots `a` and `b`."""
    made = [Model("a"), Model("b")]
    yield made
    for model in made:
        model.let.set()
        model.stop()


@pytest.fixture
def held():
    """Return a listening socket, which somebody else than the relay keeps."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Return the program that stays on hosts."""
    layout = Layout.at(str(tmp_path_factory.mktemp("relay")))
    layout.make()
    return programs.install(layout)


@pytest.fixture
def folder(tmp_path, models, held, program):
    """Return the working folder of a relay that runs and leads to slot `a`."""
    process = start(program, tmp_path, held, models)
    yield tmp_path
    process.terminate()
    assert 0 == process.wait(60), (tmp_path / "log").read_text()


def start(program, folder, listening, models, live="a"):
    """Start a relay on a socket as systemd would; return its process once it answers."""
    ports = dict(zip("ab", (model.port for model in models), strict=True))
    (folder / relay.CONFIGURATION).write_text(relay.render(ports, live))
    words = [sys.executable, "-I", "-S", program, "relay", str(folder)]
    handle = listening.fileno()
    command = [sys.executable, "-I", "-S", "-c", PASSING, str(handle), *words]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, pass_fds=(handle,), stdout=log, stderr=log)
    wait_for(lambda: process.poll() is not None or haproxy.find_servers(str(folder)))
    return process


@pytest.fixture
def client(held):
    """Return a function that makes a client, whose connection is kept between its requests."""
    made = []

    def make():
        made.append(http.client.HTTPConnection("127.0.0.1", held.getsockname()[1], timeout=60))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def ask(connection, body=b"question"):
    """Ask once; return what is answered."""
    connection.request("POST", "/", body)
    return connection.getresponse().read().decode()


def told(folder, line):
    """Say a line to the relay's control socket; return the answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(Path(folder) / relay.SOCKET))
        connection.sendall(line)
        return connection.makefile().read().strip()


def test_a_kept_connection_moves_between_two_requests(folder, client, models):
    """Its client is not told, and the old slot has nothing open when it has moved."""
    connection = client()
    assert "a 8" == ask(connection)
    kept = connection.sock
    haproxy.lead(str(folder), "b", models[1].port)
    assert "b 8" == ask(connection)
    assert connection.sock is kept
    wait_for(lambda: haproxy.list_servers(str(folder))["a"].open == 0)
    assert haproxy.Server(models[1].port, haproxy.READY, 1) == haproxy.list_servers(str(folder))["b"]


def test_what_is_being_answered_is_not_cut(folder, client, models):
    """The old slot has it open until it has answered, whatever happens to the new ones."""
    models[0].let.clear()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(client())))
    asking.start()
    assert models[0].asked.wait(60)
    haproxy.lead(str(folder), "b", models[1].port)
    assert "b 8" == ask(client())
    time.sleep(2 * relay_connections.QUIET_SECONDS)  # longer than an unused connection may last
    assert 1 == haproxy.list_servers(str(folder))["a"].open
    models[0].let.set()
    asking.join(60)
    assert ["a 8"] == answers


def test_requests_wait_while_nobody_is_there(folder, client, models):
    """New connections and kept ones; none of them finds out."""
    kept, answers = client(), []
    assert "a 8" == ask(kept)
    haproxy.hold(str(folder), "a")
    asking = [threading.Thread(target=lambda one=one: answers.append(ask(one))) for one in (kept, client())]
    for one in asking:
        one.start()
    wait_for(lambda: haproxy.list_servers(str(folder))["a"].open == 2)
    models[0].stop()
    haproxy.lead(str(folder), "b", models[1].port)
    for one in asking:
        one.join(60)
    assert ["b 8", "b 8"] == answers


def test_a_request_waits_for_a_server_that_does_not_listen_yet(folder, client, models):
    """As one that systemd starts again."""
    models[0].stop()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(client())))
    asking.start()
    wait_for(lambda: haproxy.list_servers(str(folder))["a"].open == 1)
    haproxy.lead(str(folder), "b", models[1].port)
    asking.join(60)
    assert ["b 8"] == answers


def test_a_connection_that_nobody_uses_is_closed_when_its_slot_gets_nothing_more(folder, client, models):
    """So a drain ends, also with clients that keep their connections."""
    connection = client()
    ask(connection)
    haproxy.lead(str(folder), "b", models[1].port)
    connection.sock.settimeout(60)
    assert b"" == connection.sock.recv(1)
    assert 0 == haproxy.list_servers(str(folder))["a"].open


def test_a_large_request_and_a_slow_reader_lose_nothing(folder, client):
    """Neither side reads more than the other takes."""
    assert f"a {32 << 20}" == ask(client(), b"x" * (32 << 20))


def test_who_asks_while_the_relay_is_started_again_waits_in_the_kernel(tmp_path, client, held, models, program):
    """The port is not the relay's: nobody is refused."""
    first = start(program, tmp_path, held, models)
    first.kill()
    first.wait()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(client())))
    asking.start()
    second = start(program, tmp_path, held, models, live="b")
    asking.join(60)
    second.terminate()
    assert (["b 8"], 0) == (answers, second.wait(60))


def test_it_takes_nothing_new_when_told_so(folder, client):
    """What it has goes on; newcomers stay with whoever holds the port."""
    kept = client()
    ask(kept)
    haproxy.close_stable_port(str(folder))
    client().request("POST", "/", b"question")
    assert "a 8" == ask(kept)
    assert 1 == haproxy.list_servers(str(folder))["a"].open


def test_nonsense_on_the_control_socket_changes_nothing(folder, client):
    """And does not end it."""
    before = haproxy.list_servers(str(folder))
    assert "No such server." == told(folder, b"set server slots/c state ready\n")
    for line in NONSENSE:
        with suppress(OSError):  # it was cut: an answer is not owed
            told(folder, line)
        assert before == haproxy.list_servers(str(folder)), line
    assert "a 8" == ask(client())


def test_nobody_else_may_tell_it_anything(folder):
    """Its control socket is its user's."""
    assert 0 == (folder / relay.SOCKET).stat().st_mode & 0o077


@pytest.mark.parametrize("passed", [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "2"}])
def test_without_a_socket_of_systemd_it_does_not_begin(tmp_path, program, passed):
    """It never takes a port itself, nor a file that was meant for another process."""
    words = [sys.executable, "-I", "-S", program, "relay", str(tmp_path)]
    done = subprocess.run(words, env={**os.environ, **passed}, capture_output=True, text=True, check=False)
    assert (1, "systemd passed no socket\n") == (done.returncode, done.stdout)
