"""`scripts/loss`: models are replaced under load, with each kind of traffic, and what clients lost is counted.

Sixty closed-loop clients, half of them on kept connections, ask a blocking server (`blocking_server.py`, runtime `command`) and
an asynchronous one (runtime `onnx`), while another deployment on the same host is launched and stopped all the time. The last
lines count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from mgmt_host import entry, haproxy

from tests.unit.mgmt_host.conftest import Host
from tests.unit.mgmt_host.served_packages import command_package, pack

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("haproxy", "none")
SERVERS = ("blocking", "asynchronous")
FACTORS = (2.0, 3.0)
_NEIGHBOUR = "neighbour"
_BLOCKING = Path(__file__).with_name("blocking_server.py").read_bytes()
_ONNX_BODY = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}


class Load:
    """The clients; a context manager. `counts` is theirs, once it has ended."""

    def __init__(self, identity, body, clients):
        path = identity["url"].partition(str(identity["port"]))[2]
        self.counts = {}
        self._asked = {"port": identity["port"], "path": path, "body": json.dumps(body), "answers": FACTORS}
        self._asked |= {"keep": clients // 2, "fresh": clients - clients // 2}

    def __enter__(self):
        command = [sys.executable, "-m", "tests.loss.clients", json.dumps(self._asked)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, cwd=ROOT, **pipes)
        assert self._process.stdout.readline() == "begun\n"
        return self

    def __exit__(self, *_):
        said, _ = self._process.communicate("", timeout=120)
        self.counts = json.loads(said)


class Neighbour:
    """Launches and stops another deployment of the same host, again and again; a context manager."""

    def __init__(self, host, package):
        self.rounds = 0
        self._host = host
        self._package = package
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        generation = 0
        while not self._ended.is_set():
            for action in ("deployment_launch", "deployment_stop"):
                generation += 1
                result = perform(self._host, action, generation, self._package, "command", deployment_id=_NEIGHBOUR)
                assert result["outcome"] == "changed", result
            self.rounds += 1


def perform(host, action, generation, package, runtime, *, deployment_id="d1"):
    """Perform an action with a package that is on the host."""
    asked = host.parameters(action, generation, deployment_id=deployment_id, ready_timeout_seconds=60)
    wanted = {"digest": package[2], "runtime": runtime, "id": "p1"}
    return entry.run_deployment({**asked, "package": None if action == "deployment_stop" else wanted})


def make_packages(host, server):
    """Return runtime, body of a request, and two packages that are on the host."""
    if server == "asynchronous":
        made = [host.package(factor) for factor in FACTORS]
        runtime, body = "onnx", _ONNX_BODY
    else:
        made = [_pack_blocking(host.folder / f"blocking-{factor}", factor) for factor in FACTORS]
        runtime, body = "command", {}
    for package in made:
        brought = host.bring(package, runtime=runtime)
        assert "outcome" not in brought, brought
    return runtime, body, made


def _pack_blocking(folder, factor):
    start = ["python3", "{package}/server.py", "--port", "{port}", "--address", "{address}", "--factor", str(factor)]
    serve = {"start": start, "health_path": "/", "predict_path": "/predict"}
    manifest = {"schema": 1, "runtime": "command", "model": "server.py", "serve": serve}
    return pack(folder, manifest, {"server.py": _BLOCKING})


def play(kind, server, replacements, clients):
    """Replace a model that many times under load; return the clients' counts."""
    with tempfile.TemporaryDirectory(prefix="loss-") as folder:
        host = Host(Path(folder))
        host.traffic = kind
        try:
            return _play(host, server, replacements, clients)
        finally:
            host.stop_all()


def _play(host, server, replacements, clients):
    runtime, body, made = make_packages(host, server)
    neighbour = command_package(host.folder / _NEIGHBOUR, 1.0)
    host.bring(neighbour, runtime="command")
    launched = perform(host, "deployment_launch", 1, made[0], runtime)
    assert launched["outcome"] == "changed", launched
    gaps = []
    with Neighbour(host, neighbour) as beside, Load(launched["identity"], body, clients) as load:
        for number in range(1, replacements + 1):
            result = perform(host, "deployment_replace_model", number + 1, made[number % 2], runtime)
            assert result["outcome"] == "changed", result
            gaps.append(result["gap_seconds"])
    _tell(host.traffic, server, load.counts, gaps, beside.rounds)
    return load.counts


def _tell(kind, server, counts, gaps, rounds):
    for clients, count in counts.items():
        reasons = ", ".join(f"{number} {reason}" for reason, number in count["reasons"].items())
        told = f"{count['failed']} failed of {count['asked']}, longest {count['longest']:.2f} s"
        say(f"{kind}, {server} server, {clients} connections: {told}" + (f" ({reasons})" if reasons else ""))
    say(
        f"{kind}, {server} server: longest gaps by the receipts {max(gaps):.2f} s; neighbour launched and stopped {rounds} times"
    )


def main():
    """Run the command line; 1 when a proxy lost anything."""
    asked = _arguments()
    totals = {}
    for kind in asked.traffic or KINDS:
        began, total = time.monotonic(), Counter()
        for place, server in enumerate(SERVERS):
            share = asked.replacements // 2 + (place < asked.replacements % 2)
            for count in play(kind, server, share, asked.clients).values():
                total.update(asked=count["asked"], failed=count["failed"])
        totals[kind] = total
        say(f"{kind}: {asked.replacements} replacements, {asked.clients} clients, {time.monotonic() - began:.0f} s")
    for kind, total in totals.items():
        say(f"loss: {kind} {total['failed']} failed of {total['asked']}")
    return int(any(total["failed"] for kind, total in totals.items() if kind != "none"))


def _arguments():
    parser = argparse.ArgumentParser(prog="scripts/loss", description=__doc__)
    parser.add_argument("--replacements", type=int, default=20, help="per kind of traffic, half of them of each server")
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--traffic", action="append", choices=KINDS, help="repeatable; all of them by default")
    asked = parser.parse_args()
    if haproxy.find_program() is None and "haproxy" in (asked.traffic or KINDS):
        parser.error("HAProxy is not on this machine: apt-get install haproxy")
    return asked


def say(text):
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - the script's own voice


sys.exit(main())
