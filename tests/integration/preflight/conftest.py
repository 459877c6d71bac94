"""Hosts to look at: a real sshd on loopback, and servers that misbehave."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.preflight import Check, CheckName, HostReport
from mgmt_ansible.execution.preflight import PreflightRequest, check_hosts
from mgmt_ansible.quickstart.loopback import LoopbackHost, find_sshd

ENVIRONMENT = "0123456789abcdef01234567"

QUICK = "SHLVL=2"
"""Keeps the user's own start files, which take most of a second on some machines, out of bash over SSH."""


@dataclass
class Looked:
    """A report, by name of the check."""

    report: HostReport

    def __getitem__(self, name: str) -> Check:
        return self.report.checks[list(CheckName).index(CheckName(name))]

    def words(self, name: str) -> tuple[str, str | None]:
        check = self[name]
        return check.status.value, check.cause.value if check.cause else None


@dataclass
class Bench:
    """Looks at the loopback host as an inventory with these variables would have it."""

    host: LoopbackHost
    base_dir: Path
    settings: dict[str, object] = field(default_factory=dict)
    binding: dict[str, object] = field(default_factory=dict)
    package_bytes: int = 0

    def look(self, *, seconds: float = 30, **variables: object) -> Looked:
        request = PreflightRequest(
            binding=self.make_binding(),
            variables={"web1": {**self.host.host_variables(), **variables}},
            settings={"DEFAULT_TRANSPORT": "ssh", "ssh.pipelining": True, **self.settings},
            environment=dict(os.environ),
            package_bytes=self.package_bytes,
            seconds=seconds,
        )
        told: list[HostReport] = []
        (report,) = check_hosts(request, told.append)
        assert told == [report]
        return Looked(report)

    def make_binding(self) -> EnvironmentBinding:
        given = {"base_dir": str(self.base_dir), **self.binding}
        return EnvironmentBinding(environment_id=ENVIRONMENT, inventory=self.host.inventory, **given)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHost]:
    """One sshd for the whole session."""
    if find_sshd() is None:
        pytest.skip("sshd is missing")
    with LoopbackHost(tmp_path_factory.mktemp("preflight-sshd"), extra_config=f"SetEnv {QUICK}") as host:
        yield host


@pytest.fixture
def bench(sshd: LoopbackHost, tmp_path: Path) -> Bench:
    """The loopback host, with a base directory of its own."""
    return Bench(host=sshd, base_dir=tmp_path / "base")


@pytest.fixture
def known_hosts(sshd: LoopbackHost, tmp_path: Path) -> Path:
    """A copy of the host's known_hosts, to be spoilt."""
    path = tmp_path / "known_hosts"
    path.write_bytes(sshd.known_hosts.read_bytes())
    return path


def options(host: LoopbackHost, known_hosts: Path, *more: str, config: str | Path = "/dev/null") -> str:
    """Return `ansible_ssh_common_args` with other known hosts."""
    settings = (f"UserKnownHostsFile={known_hosts}", "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes", *more)
    return " ".join([f"-F {config}", *(f"-o {setting}" for setting in settings)])


@contextmanager
def server(behave: Callable[[socketserver.BaseRequestHandler], None]) -> Iterator[int]:
    """Serve TCP on loopback; yields the port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                behave(self)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listening.server_address[1]
        finally:
            listening.shutdown()
            thread.join()
