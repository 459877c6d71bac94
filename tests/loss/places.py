"""Where models are replaced under load: in a temporary folder of this machine, or on a real host with systemd, over ssh."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from mgmt_host import entry
from mgmt_host.content import runtimes

from tests.testbed import beds, plans, ssh, wheels
from tests.testbed.agents import Agent
from tests.unit.mgmt_host.conftest import Host
from tests.unit.mgmt_host.served_packages import command_package, pack

ROOT = Path(__file__).resolve().parents[2]
FACTORS = (2.0, 3.0)
LARGE = "large"
_LARGE_WORDS = ("--megabytes", "160", "--load-seconds", "4")
_HERE = Path(__file__).parent
_BLOCKING = _HERE.joinpath("blocking_server.py").read_bytes()
_CLIENTS = _HERE.joinpath("clients.py").read_text()
_ONNX_BODY = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}


class Loopback:
    """This machine: the module is called as it is, without Ansible."""

    def __init__(self, folder, traffic):
        self.host = Host(folder)
        self.host.traffic = traffic

    def bring(self, package, runtime):
        """Install a package, so that actions take no time for it."""
        brought = self.host.bring(package, runtime=runtime)
        assert "outcome" not in brought, brought

    def perform(self, action, generation, package, runtime, deployment_id="d1"):
        """Perform an action; return what the host made of it."""
        asked = self.host.parameters(action, generation, deployment_id=deployment_id, ready_timeout_seconds=60)
        wanted = {"digest": package[2], "runtime": runtime, "id": "p1"}
        return entry.run_deployment({**asked, "package": None if action == "deployment_stop" else wanted})

    def clients_command(self, asked):
        """Return how clients are started beside the models."""
        return [sys.executable, "-m", "tests.loss.clients", json.dumps(asked)]

    def close(self):
        """Stop what runs."""
        self.host.stop_all()


class SystemdHost:
    """A test host with systemd: the agent acts by Ansible over ssh, and the clients run on the host itself."""

    def __init__(self, folder, traffic, host):
        self.host = host
        self.packer = Host(folder)
        self._agent = Agent(host, traffic=traffic)
        self._wheels = wheels.find_or_download(host, runtimes.ONNX.requirements)

    def bring(self, package, runtime):
        """Do nothing: the agent brings it."""

    def perform(self, action, generation, package, runtime, deployment_id="d1"):
        """Perform an action; return what the host made of it."""
        binding = {"wheelhouse": str(self._wheels)} if runtime == "onnx" else {}
        archive = None if action == "deployment_stop" else package[0]
        return self._agent.begin(action, deployment_id, generation, archive, binding=binding).outcome()

    def clients_command(self, asked):
        """Return how clients are started beside the models."""
        self.host.ssh("cat >/tmp/clients.py", stdin=_CLIENTS)
        words = f"python3 /tmp/clients.py '{json.dumps(asked)}'"
        return ["ssh", "-F", str(self.host.plan.ssh_config), f"{ssh.USER}@{self.host.name}", words]

    def close(self):
        """Stop what runs."""
        for deployment_id in ("d1", "neighbour"):
            self._agent.begin("deployment_stop", deployment_id, 10_000).outcome()


@contextmanager
def loopback(traffic, server):
    """Yield this machine."""
    with tempfile.TemporaryDirectory(prefix="loss-") as folder:
        place = Loopback(Path(folder), traffic)
        try:
            yield place, place.host
        finally:
            place.close()


@contextmanager
def systemd(traffic, server):
    """Yield a test host of its own, with too little memory for two large models."""
    shape = plans.parse_hosts(("s1:systemd:memory=420M" if server == LARGE else "s1:systemd",))
    plan = plans.Plan(id="loss", state=plans.default_state("loss"), cache=plans.default_cache(), hosts=shape)
    bed = beds.up(plan, beds.stopwatch(beds.tell_stderr))
    try:
        with tempfile.TemporaryDirectory(prefix="loss-") as folder:
            place = SystemdHost(Path(folder), traffic, bed.of_kind("systemd"))
            yield place, place.packer
            place.close()
    finally:
        beds.down(plan.id, plan.state, beds.tell_stderr)


PLACES = {"loopback": loopback, "systemd": systemd}


def make_packages(place, packer, server):
    """Return runtime, body of a request, and two packages that are at the place."""
    if server == "asynchronous":
        made = [packer.package(factor) for factor in FACTORS]
        runtime, body = "onnx", _ONNX_BODY
    else:
        more = _LARGE_WORDS if server == LARGE else ()
        made = [_pack_blocking(packer.folder / f"blocking-{factor}", factor, more) for factor in FACTORS]
        runtime, body = "command", {}
    for package in made:
        place.bring(package, runtime)
    return runtime, body, made


def make_neighbour(place, packer):
    """Return the package of another deployment, which is at the place."""
    package = command_package(packer.folder / "neighbour", 1.0)
    place.bring(package, "command")
    return package


def _pack_blocking(folder, factor, more):
    start = [
        "python3",
        "{package}/server.py",
        "--port",
        "{port}",
        "--address",
        "{address}",
        "--factor",
        str(factor),
        *more,
    ]
    serve = {"start": start, "health_path": "/", "predict_path": "/predict"}
    manifest = {"schema": 1, "runtime": "command", "model": "server.py", "serve": serve}
    return pack(folder, manifest, {"server.py": _BLOCKING})


def start(command):
    """Start clients; return the process once all of them have been answered."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, **pipes)
    assert process.stdout.readline() == "begun\n"
    return process
