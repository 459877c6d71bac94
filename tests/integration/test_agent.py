"""The wired agent as a whole: against a control plane that answers by HTTP, until it is asked to stop."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mgmt_ansible import bootstrap
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.settings.agent import AgentSettings
from mgmt_ansible.wire import agent_v1
from tests.integration.loopback_runs import CONTENT, ENVIRONMENT, make_spec, until

pytestmark = pytest.mark.ssh


class Server:
    """Hands out one claim, lets further questions wait, and keeps the reports."""

    def __init__(self, claim: Claim | None) -> None:
        self.reports: list[dict[str, object]] = []
        self.paths: list[str] = []
        self.waiting = threading.Event()
        self._closing = threading.Event()
        claims = [claim] if claim is not None else []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = b""
                outer.paths.append(self.path)
                if self.path.endswith("/reports"):
                    outer.reports += json.loads(body)["reports"]
                elif self.path.endswith("/claims") and claims:
                    answer = agent_v1.to_json(agent_v1.CLAIM, claims.pop())
                elif self.path.endswith("/claims"):
                    outer.waiting.set()
                    outer._closing.wait(25)
                self.send_response(200 if answer else 204)
                if answer:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def kinds(self) -> list[object]:
        return [report["kind"] for report in self.reports]

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[object]:
    servers: list[Server] = []

    def build(claim: Claim | None) -> Server:
        servers.append(Server(claim))
        return servers[-1]

    yield build
    for server in servers:
        server.close()


def make_settings(server: Server, binding: EnvironmentBinding, tmp_path: Path) -> AgentSettings:
    return AgentSettings(
        control_plane_url=server.url,
        token="secret",
        data_dir=tmp_path / "data",
        workers=1,
        content_path=CONTENT,
        bindings={ENVIRONMENT: binding},
    )


def run_until(settings: AgentSettings, condition) -> float:
    """Run the agent until a condition, ask it to stop, and return how long that took."""
    stop = threading.Event()
    agent = threading.Thread(target=bootstrap.run_agent, args=(settings, stop))
    agent.start()
    try:
        until(condition)
    finally:
        stop.set()
        began = time.monotonic()
        agent.join(120)
    assert not agent.is_alive()
    return time.monotonic() - began


def test_a_leaving_agent_gives_its_work_back_and_leaves_the_host_at_work(serve, binding, tmp_path):
    """Everything but the control plane is real; the next claim finds what the host made of it."""
    spec = make_spec(timeout_seconds=60.0)
    server = serve(Claim(spec=spec, attempt=1, expires_at=spec.requested_at, heartbeat_seconds=5))
    holder = Path(binding.base_dir) / "holder"
    settings = make_settings(server, binding, tmp_path)
    # The stand-in stop sleeps, so the agent would wait for it.
    quick = AgentSettings(**{**{name: getattr(settings, name) for name in settings.__slots__}, "grace_seconds": 0.0})

    run_until(quick, holder.exists)

    assert f"/agent/v1/actions/{spec.id}/release" in server.paths
    assert "result" not in server.kinds()
    pid = int(holder.read_text())
    assert Path(f"/proc/{pid}").exists()
    os.kill(pid, signal.SIGKILL)


def test_an_idle_agent_stops_at_once(serve, binding, tmp_path):
    """A worker that waits for an action does not hold the process for 25 seconds."""
    server = serve(None)

    seconds = run_until(
        make_settings(server, binding, tmp_path), lambda: server.waiting.is_set() and "hosts" in server.kinds()
    )

    assert seconds < 20
