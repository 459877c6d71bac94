"""The roles over a real private sshd: a project folder as the agent makes it, and one runtime environment a session."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from mgmt_host.content import packages
from mgmt_host.layout import Layout
from mgmt_host.running import slots

from mgmt_ansible.quickstart.loopback import LoopbackHost, find_sshd
from tests.unit.mgmt_host import served_packages

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


class Site:
    """A loopback host, a project folder and a base directory."""

    def __init__(self, folder, host):
        self.host = host
        self.base_dir = folder / "base"
        self.project = folder / "project"
        self._folder = folder
        shutil.copytree(ROOT / "playbooks", self.project)
        shutil.copytree(ROOT / "roles", self.project / "roles")
        (self.project / "files").mkdir()

    def package(self, factor):
        """Return (archive, sha256, digest, runtime) of a small ONNX package."""
        source = self._folder / f"package-{factor}"
        source.mkdir(exist_ok=True)
        write_model(source / "model.onnx", factor)
        manifest = {"schema": 1, "runtime": "onnx", "model": "model.onnx"}
        (source / "model-package.json").write_text(json.dumps(manifest))
        archive = source.with_suffix(".tar.gz")
        with tarfile.open(archive, "w:gz") as stream:
            for path in sorted(source.iterdir()):
                stream.add(path, arcname=path.name)
        rows, opened = packages.measure(str(source))
        for stream in opened:
            stream.close()
        return archive, hashlib.sha256(archive.read_bytes()).hexdigest(), packages.manifest_digest(rows), "onnx"

    def command_package(self, factor, **changes):
        """Return the same of a package with a server of its own."""
        folder = self._folder / f"command-{len(list(self._folder.iterdir()))}"
        return (*served_packages.command_package(folder, factor, **changes), "command")

    def play(self, action, generation=0, package=None, *, check=False, observe=(), deployment_id="r1"):
        """Run a playbook; return counts of the recap, number of SSH sessions, and the output."""
        if package is not None:
            shutil.copyfile(package[0], self.project / "files" / "package")
        before = self.host.session_count()
        command = [PLAYBOOK, "-i", self.host.inventory, self.project / f"{action}.yml", *(["--check"] if check else [])]
        event = self._event(action, generation, package, observe, deployment_id)
        done = subprocess.run(
            [*command, "-e", json.dumps({"mgmt_event": event})],
            env={**os.environ, "ANSIBLE_CONFIG": str(self.host.ansible_cfg), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return parse_play(done.stdout + done.stderr, self.host.session_count() - before)

    def _event(self, action, generation, package, observe, deployment_id):
        described = package and {
            "id": "1" * 24,
            "name": "mul",
            "version": "1",
            "digest": package[2],
            "archive_sha256": package[1],
            "archive_bytes": package[0].stat().st_size,
            "runtime": package[3],
        }
        settings = {
            "base_dir": str(self.base_dir),
            "bind_address": "127.0.0.1",
            "boot_start": False,
            "supervision": "process",
            "traffic": "none",
            "pip_arguments": [],
            "wheelhouse": False,
            "minimum_healthy_seconds": 0,
            "ready_timeout_seconds": 60,
            "stop_timeout_seconds": 5,
        }
        deployment = {"id": deployment_id, "label": "Roles", "generation": generation, "port": 0}
        return {
            "schema": 1,
            "action": action,
            "action_id": "2" * 24,
            "attempt": 1,
            "environment": {"id": "3" * 24, "name": "test"},
            "deployment": None if action.endswith("status") else deployment,
            "package": described,
            "deployments": list(observe),
            "settings": settings,
        }

    def stop_all(self):
        """Stop every process of the base directory."""
        layout = Layout.at(str(self.base_dir))
        for deployment_id in layout.deployment_ids():
            for slot in slots.list_places(layout.deployment(deployment_id)):
                slots.stop(slot, 2.0)


def write_model(path, factor):
    """Write an ONNX model that multiplies its input."""
    import onnx  # noqa: PLC0415 - heavy
    from onnx import TensorProto, helper  # noqa: PLC0415

    node = helper.make_node("Mul", ["X", "factor"], ["Y"])
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "XY"]
    graph = helper.make_graph([node], "mul", [ends[0]], [ends[1]], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


def parse_play(output, sessions):
    """Return what a test needs of ansible-playbook's output."""
    recap = output.rpartition("PLAY RECAP")[2]
    counts = dict(part.split("=") for part in recap.split() if "=" in part)
    assert counts, output
    return {"counts": {key: int(value) for key, value in counts.items()}, "sessions": sessions, "output": output}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Return a site whose runtime environment has been built by the role itself."""
    if find_sshd() is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    folder = tmp_path_factory.mktemp("roles")
    with LoopbackHost(folder / "sshd") as host:
        made = Site(folder, host)
        yield made
        made.stop_all()
