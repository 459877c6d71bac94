"""A host in a temporary folder: real processes and ports, the test's own interpreter as its runtime environment."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from mgmt_host import entry
from mgmt_host.content import environments, packages, runtimes
from mgmt_host.layout import Layout
from mgmt_host.machine import durable_files, processes
from mgmt_host.running import slots

from tests.unit.mgmt_host import fake_docker

ROWS = [[1.0, 2.0], [3.0, 4.0]]
REQUEST = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [2, 2], "data": ROWS}]}


def write_model(path, factor):
    """Write an ONNX model that multiplies its input."""
    import onnx  # noqa: PLC0415 - heavy, and only models need it
    from onnx import TensorProto, helper  # noqa: PLC0415

    node = helper.make_node("Mul", ["X", "factor"], ["Y"])
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "XY"]
    graph = helper.make_graph([node], "mul", [ends[0]], [ends[1]], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


class Host:
    """One base directory and the ways to act on it as the roles' modules do."""

    def __init__(self, folder):
        self.folder = folder
        self.base_dir = str(folder / "base")
        self.layout = Layout.at(self.base_dir)
        self.layout.make()
        self.traffic = "none"
        self._lend_environment()

    def package(self, factor=2.0, *, smoke=None, model=None):
        """Return (archive, archive sha256, digest) of a package that multiplies by `factor`."""
        source = self.folder / f"source-{factor}-{smoke is not None}-{model is not None}"
        source.mkdir()
        manifest = {"schema": 1, "runtime": "onnx", "model": "model.onnx"}
        manifest["smoke"] = smoke or {
            "request": REQUEST,
            "expect": {"Y": {"data": [[value * factor for value in row] for row in ROWS]}},
        }
        (source / "model-package.json").write_text(json.dumps(manifest))
        if model is None:
            write_model(str(source / "model.onnx"), factor)
        else:
            (source / "model.onnx").write_bytes(model)
        archive = source.with_suffix(".tar.gz")
        with tarfile.open(archive, "w:gz") as stream:
            for path in sorted(source.iterdir()):
                stream.add(path, arcname=path.name)
        rows, opened = packages.measure(str(source))
        for stream in opened:
            stream.close()
        return archive, hashlib.sha256(archive.read_bytes()).hexdigest(), packages.manifest_digest(rows)

    def bring(self, package, **changes):
        """Run the role `package`'s module with the archive at hand."""
        archive, sha256, digest = package
        parameters = {
            "digest": digest,
            "archive": str(archive),
            "archive_sha256": sha256,
            "runtime": "onnx",
            "base_dir": self.base_dir,
            **changes,
        }
        return entry.run_package(parameters)

    def act(self, action, generation, package=None, *, check=False, **changes):
        """Run the role `deployment`'s module; the package is brought first."""
        if package is not None and not check:
            self.bring(package)
        return entry.run_deployment(self.parameters(action, generation, package, **changes), check)

    def parameters(self, action, generation, package=None, **changes):
        """Return what the role `deployment` gives its module."""
        return {
            "action": action,
            "attempt": 1,
            "deployment_id": "d1",
            "generation": generation,
            "package": {"digest": package[2], "runtime": "onnx", "id": "p1"} if package else None,
            "base_dir": self.base_dir,
            "bind_address": "127.0.0.1",
            "boot_start": False,
            "supervision": "process",
            "traffic": self.traffic,
            "ready_timeout_seconds": 20,
            "stop_timeout_seconds": 5,
            **changes,
        }

    def own(self, deployment_id="d1"):
        """Return a deployment's paths."""
        return self.layout.deployment(deployment_id)

    def effects(self, deployment_id="d1"):
        """Return what the effects log says, in order."""
        lines = Path(self.own(deployment_id).effects).read_text().splitlines()
        return [json.loads(line)["what"] for line in lines]

    def stop_all(self):
        """Stop whatever still runs."""
        for deployment_id in self.layout.deployment_ids():
            for slot in slots.list_places(self.own(deployment_id)):
                slots.stop(slot, 2.0)

    def make_servers_die_on_the_stable_port(self, generation):
        """Let servers of that generation (a grep pattern) load, then end with code 3 when they wait for their port."""
        mine = f'grep -q \'"generation":{generation},\' "$4/slot.json"'
        waits = 'grep -q \'"bind_wait_seconds":60.0\' "$4/slot.json"'
        die = '{ touch "$4/loaded"; sleep 0.3; exit 3; }'
        self._write_python(f'if [ "$3" = serve ] && {mine} && {waits}; then {die}; fi')

    def serve_cheaply(self):
        """Let servers be of the standard library only: they start in a tenth of the time and give the right answers."""
        self._write_python(f'if [ "$3" = serve ]; then exec {self._cheap}; fi')

    def let_servers_die(self, generation, seconds):
        """Let cheap servers of that generation end by a signal that long after their start."""
        mine = f'grep -q \'"generation":{generation},\' "$4/slot.json"'
        self._write_python(
            f'if [ "$3" = serve ]; then if {mine}; then exec {self._cheap} {seconds}; fi; exec {self._cheap}; fi'
        )

    @property
    def _cheap(self):
        return f'{sys.executable} -I -S {Path(__file__).with_name("cheap_server.py")} "$2" "$4"'

    def make_cheap(self):
        """Let cheap servers serve; return two packages for them, which are on the host already."""
        self.serve_cheaply()
        made = [self.package(2.0, model=b"one"), self.package(3.0, model=b"two")]
        for package in made:
            self.bring(package)
        return made

    def _lend_environment(self):
        self._python.parent.mkdir(parents=True)
        self._write_python(":")
        durable_files.write_json(str(self._python.parents[1] / "environment.json"), {})

    @property
    def _python(self):
        return Path(self.layout.path("environments", environments.key(runtimes.ONNX.requirements), "bin", "python"))

    def _write_python(self, first):
        durable_files.write_text(str(self._python), f'#!/bin/sh\n{first}\nexec {sys.executable} "$@"\n', 0o700)


@pytest.fixture
def sleeper():
    """Return the mark of a process that only sleeps."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield processes.find_mark(process.pid)
        process.kill()


@pytest.fixture
def run_for():
    """Return a function that starts a process which ends after some seconds, and returns its mark."""
    started = []

    def start(seconds):
        started.append(subprocess.Popen(["sleep", str(seconds)]))
        return processes.find_mark(started[-1].pid)

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def host(tmp_path):
    """Return a host; everything that it started is stopped afterwards."""
    made = Host(tmp_path)
    yield made
    made.stop_all()


@pytest.fixture
def engine(host, tmp_path, monkeypatch):
    """Return a fake container engine, the only one that the host has."""
    yield from fake_docker.install(host, tmp_path / "engine", monkeypatch)
