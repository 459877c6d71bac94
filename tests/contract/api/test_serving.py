"""Serving: a real process on a free port, and its end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

PROGRAM = """
import sys
from mgmt_ansible import bootstrap, errors
from mgmt_ansible.settings.control_plane import load_control_plane_settings
try:
    bootstrap.run_control_plane(load_control_plane_settings(data=sys.argv[1], port=int(sys.argv[2])))
except errors.ConfigError as exc:
    sys.exit(str(exc))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    process: subprocess.Popen[bytes]
    data: Path
    url: str


def start(data: Path, port: int = 0, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(data), str(port)], stderr=stderr)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("serve") / "data"
    process = start(data, stderr=subprocess.DEVNULL)
    address = data / "control-plane.json"
    deadline = time.monotonic() + 60
    while not address.exists() and time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            pytest.fail(f"the server ended with {process.wait(0.05)}")
    yield Server(process=process, data=data, url=json.loads(address.read_text())["url"])
    process.kill()
    process.wait(60)


def test_a_server_starts_tells_where_it_is_and_ends_on_ctrl_c(server: Server):
    """The whole life, with a stream and a long poll open at its end."""
    address = json.loads((server.data / "control-plane.json").read_text())
    stat = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    assert (server.process.pid, int(stat[19])) == (address["pid"], address["start_time"])

    token_file = server.data / "admin.token"
    assert (0o600, 0o700) == (token_file.stat().st_mode & 0o777, server.data.stat().st_mode & 0o777)
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    taken = start(server.data.parent / "other", int(server.url.rpartition(":")[2]))
    assert b"choose another" in taken.communicate(timeout=60)[1]
    assert taken.returncode != 0

    with session_of(headers) as client:
        answer = client.get(f"{server.url}/api/v2/deploymentEvents/stream/", stream=True, timeout=60)
        lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
        assert ": connected" == next(lines)
        environment = client.post(f"{server.url}/api/v2/predictionEnvironments/", json={"name": "x"}, timeout=60).json()
        body = {"name": "agent", "kind": "agent", "predictionEnvironmentIds": [environment["id"]]}
        agent = client.post(f"{server.url}/api/v2/accessTokens/", json=body, timeout=60).json()["token"]
        with open_poll(server.url, agent, environment["id"]):
            server.process.send_signal(signal.SIGINT)

            assert 0 == server.process.wait(25), "the poll alone would last 30 s"
            assert [] == [line for line in lines if line.startswith("event:")]
    assert not (server.data / "control-plane.json").exists()


def session_of(headers: dict[str, str]) -> requests.Session:
    """Return a session that no proxy of this machine's settings gets to see."""
    session = requests.Session()
    session.trust_env = False
    session.headers.update(headers)
    return session


def open_poll(url: str, token: str, environment: str) -> socket.socket:
    """Send a claim that waits 30 s, and do not wait for its answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps({"instance_id": "i", "environment_ids": [environment], "wait_seconds": 30})
    request = (
        f"POST /agent/v1/claims HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    connection = socket.create_connection((host, int(port)))
    connection.sendall(request.encode())
    return connection
