"""What a container engine of a test host can do, by its command line; docker and podman alike."""

from __future__ import annotations

from collections.abc import Callable

from tests.testbed.commands import wait_until
from tests.testbed.containers import ENGINES, IMAGE
from tests.testbed.hosts import Host

_SERVER = "python3 -m http.server 8000"


def runs(host: Host) -> None:
    """A container of the imported image says a word."""
    assert _engine(host, f"run --rm {IMAGE} echo word") == "word\n"


def builds(host: Host) -> None:
    """A layer on the imported image, without any registry."""
    text = f"FROM {IMAGE}\nRUN echo built >/word\nCMD cat /word\n"
    host.ssh(
        f"mkdir -p context && cat >context/Dockerfile && {ENGINES[host.kind]} build -q -t built context", stdin=text
    )
    assert _engine(host, "run --rm built") == "built\n"


def publishes_and_restarts(host: Host) -> None:
    """A published port answers from outside, also after the container's process was killed."""
    _engine(host, "rm -f web || true")
    _engine(host, f"run -d --name web --restart=always -p 8001:8000 {IMAGE} {_SERVER}")
    wait_until(lambda: _serves(host), "the container to serve")
    pid = int(_engine(host, "inspect -f '{{.State.Pid}}' web"))
    host.ssh(f"sudo kill -9 {pid}")
    wait_until(lambda: _serves(host), "the container to serve again")
    _engine(host, "rm -f web")


def limits_memory(host: Host) -> None:
    """What needs more than its limit is killed."""
    command = f"{ENGINES[host.kind]} run --rm --memory 64m {IMAGE} python3 -c 'bytearray(200 << 20)'"
    assert host.ssh(command, check=False).returncode == 137


def runs_without_root(host: Host) -> None:
    """podman for an account of its own; dockerd knows root only."""
    host.ssh(f"sudo podman save -q {IMAGE} | podman load -q", seconds=180)
    assert host.ssh(f"podman run --rm {IMAGE} id -u").stdout == "0\n"
    assert host.ssh("podman info --format '{{.Host.Security.Rootless}}'").stdout == "true\n"


def _engine(host: Host, words: str) -> str:
    return host.ssh(f"{ENGINES[host.kind]} {words}", seconds=120).stdout


def _serves(host: Host) -> bool:
    ask = f"import urllib.request as u; u.urlopen('http://{host.spec.address}:8001/', timeout=5)"
    return host.ssh(f'python3 -c "{ask}"', check=False).returncode == 0


CHECKS: dict[str, Callable[[Host], None]] = {
    function.__name__.replace("_", " "): function
    for function in (runs, builds, publishes_and_restarts, limits_memory, runs_without_root)
}
