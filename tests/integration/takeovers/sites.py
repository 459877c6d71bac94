"""A control plane, a host over a private sshd, and agents as processes of their own, to be killed and started again.

Model servers are of the standard library; they take seconds to load, so that there is a middle of a launch to be killed in.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from mgmt_host.content import environments, runtimes
from mgmt_host.layout import Layout
from mgmt_host.machine import durable_files
from mgmt_host.running import slots

from mgmt_ansible import archives
from mgmt_ansible.client import Client
from mgmt_ansible.quickstart import processes
from mgmt_ansible.quickstart.loopback import LoopbackHost
from mgmt_ansible.settings.content import default_content_path
from mgmt_ansible.wire.api_v2 import Action, DeploymentIn, ModelPackage, PredictionEnvironment, PredictionEnvironmentIn

CHEAP_SERVER = Path(__file__).parents[2] / "unit" / "mgmt_host" / "cheap_server.py"
SMOKE = {
    "request": {"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 1], "data": [[1.0]]}]},
    "expect": {"Y": {"data": [[2.0]]}},
}
DEADLINE_SECONDS = 120.0


class Process:
    """One program of ours; its output goes to a file."""

    def __init__(self, log: Path, *arguments: str | Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._begin = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mgmt_ansible.cli", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("MGMT_ANSIBLE_")},
                start_new_session=True,
            )

    def says(self, text: str) -> bool:
        """Tell whether it printed that."""
        said = self.log.read_bytes()[self._begin :].decode()
        assert self._process.poll() is None or text in said, f"it ended with {self._process.returncode}:\n{said}"
        return text in said

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Ask it to end; returns its exit code."""
        self._process.terminate()
        return self._process.wait(DEADLINE_SECONDS)

    def wait(self) -> int:
        return self._process.wait(DEADLINE_SECONDS)

    def end(self) -> None:
        mark = processes.mark_process(self._process.pid)
        if mark is not None:
            processes.stop_tree(mark, grace_seconds=10)
        self._process.wait()


class Site:
    """Everything in one folder.

    Attributes:
        client: Of an administrator.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_dir = folder / "host"
        self.host = LoopbackHost(folder / "sshd")
        self._started: list[Process] = []

    def start(self) -> None:
        self.host.start()
        self._lend_environment()
        plane = self._begin("plane", "serve", "--data", self.folder / "plane", "--port", "0")
        until(lambda: plane.says("control_plane_started"))
        self._url = json.loads((self.folder / "plane" / "control-plane.json").read_text())["url"]
        self.client = Client(self._url, (self.folder / "plane" / "admin.token").read_text().strip())
        wanted = PredictionEnvironmentIn(name="site", status_interval_seconds=0)
        self.environment: PredictionEnvironment = self.client.environments.create_environment(wanted)
        self.package = self._upload()

    def stop(self) -> None:
        for one in reversed(self._started):
            one.end()
        self.host.stop()
        layout = Layout.at(str(self.base_dir))
        for deployment_id in layout.deployment_ids():
            for slot in slots.list_places(layout.deployment(deployment_id)):
                slots.stop(slot, 2.0)

    def start_agent(self, name: str, *, grace_seconds: float = 0.0, content: Path | None = None) -> Process:
        """Start an agent of that name, with a token and a data directory of its own; again after it was killed."""
        token = self.folder / f"{name}.token"
        if not token.exists():
            made = self.client.access.create_token(name, kind="agent", environment_ids=[self.environment.id])
            token.touch(mode=0o600)
            token.write_text(made.token)
        config = self.folder / f"{name}.yaml"
        own = {"content_path": str(content)} if content is not None else {}
        config.write_text(yaml.safe_dump({**self._configuration(name, grace_seconds), **own}))
        return self._begin(name, "agent", "--config", config)

    def launch(self, deployment_id: str) -> str:
        """Ask for a launch; returns the action's id."""
        body = DeploymentIn(
            deployment_id=deployment_id,
            label=deployment_id,
            prediction_environment_id=self.environment.id,
            model_package_id=self.package.id,
            minimum_healthy_seconds=0,
        )
        action_id = self.client.deployments.launch(body).action_id
        assert action_id is not None
        return action_id

    def at_work(self, deployment_id: str) -> bool:
        """Tell whether the host has begun to start the model."""
        return any("start" in what for what in self.effects(deployment_id))

    def effects(self, deployment_id: str) -> list[str]:
        """Return what the host says it did."""
        try:
            lines = Path(Layout.at(str(self.base_dir)).deployment(deployment_id).effects).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line)["what"] for line in lines]

    def attempts(self, deployment_id: str) -> list[int]:
        """Return the attempts that changed the host, in order."""
        lines = Path(Layout.at(str(self.base_dir)).deployment(deployment_id).effects).read_text().splitlines()
        return sorted({json.loads(line)["attempt"] for line in lines})

    def servers(self, deployment_id: str) -> list[int]:
        """Return the pids of the model servers of a deployment, by the kernel."""
        mark = f"{Layout.at(str(self.base_dir)).deployment(deployment_id).folder}/slots/".encode()
        pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
        return [pid for pid in pids if mark in _title(pid) and b"cheap_server" in _title(pid)]

    def wait(self, action_id: str) -> Action:
        """Return an action that has ended."""
        found: list[Action] = []

        def ended() -> bool:
            found[:] = [self.client.actions.get_action(action_id)]
            return found[0].status not in ("pending", "running")

        until(ended)
        return found[0]

    def kill_holder(self, deployment_id: str) -> None:
        """Kill the module that works on a deployment."""
        fence = json.loads(Path(Layout.at(str(self.base_dir)).deployment(deployment_id).fence).read_text())
        os.kill(fence["holder"]["pid"], signal.SIGKILL)

    def talkative_content(self) -> Path:
        """Return playbooks and roles whose changing module says more than a runner event can carry."""
        folder = self.folder / "talkative"
        for name in ("playbooks", "roles"):
            shutil.copytree(default_content_path() / name, folder / name)
        module = folder / "roles" / "deployment" / "library" / "mgmt_deployment.py"
        said = "module.exit_json(**told"
        more = f'{said}, filler="x" * (0 if module.params["action"] in LOOKING else 800_000)'
        text = module.read_text()
        assert said in text
        module.write_text(text.replace(said, more))
        return folder

    def cut_connections(self) -> int:
        """Kill the sessions of the sshd, not what runs in them; returns how many there were."""
        mark = processes.find_mark(self.folder / "sshd" / "sshd.json")
        assert mark is not None
        cut = 0
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and _parent(int(folder.name)) == mark.pid:
                for pid in (*_children(int(folder.name)), int(folder.name)):
                    if _title(pid).startswith(b"sshd"):
                        cut += 1
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
        return cut

    def _begin(self, name: str, *arguments: str | Path) -> Process:
        self._started.append(Process(self.folder / f"{name}.log", *arguments))
        return self._started[-1]

    def _configuration(self, name: str, grace_seconds: float) -> dict[str, object]:
        bound = {
            "id": self.environment.id,
            "inventory": str(self.host.inventory),
            "ansible_cfg": str(self.host.ansible_cfg),
            "base_dir": str(self.base_dir),
            "boot_start": False,
            "supervision": "process",
            "bind_address": "127.0.0.1",
            "traffic": "none",
        }
        return {
            "control_plane": {"url": self._url, "token_file": str(self.folder / f"{name}.token")},
            "data_dir": str(self.folder / name),
            "grace_seconds": grace_seconds,
            "environments": [bound],
        }

    def _lend_environment(self) -> None:
        layout = Layout.at(str(self.base_dir))
        layout.make()
        python = Path(layout.path("environments", environments.key(runtimes.ONNX.requirements), "bin", "python"))
        python.parent.mkdir(parents=True)
        durable_files.write_json(str(python.parents[1] / "environment.json"), {})
        serve = f'if [ "$3" = serve ]; then sleep 5; exec {sys.executable} -I -S {CHEAP_SERVER} "$2" "$4"; fi'
        durable_files.write_text(str(python), f'#!/bin/sh\n{serve}\nexec {sys.executable} "$@"\n', 0o700)

    def _upload(self) -> ModelPackage:
        source = self.folder / "package"
        source.mkdir()
        manifest = {"schema": 1, "runtime": "onnx", "model": "model.onnx", "smoke": SMOKE}
        (source / "model-package.json").write_text(json.dumps(manifest))
        (source / "model.onnx").write_bytes(b"one")
        archives.build_package(source, self.folder / "package.tar.gz")
        return self.client.packages.upload(self.folder / "package.tar.gz", name="cheap", version="1")


def begin(site: Site, deployment_id: str, agent: str, **options: object):
    """Let an agent begin a launch; return the agent and the action's id in the middle of it."""
    process = site.start_agent(agent, **options)
    until(lambda: process.says("agent_started"))
    action_id = site.launch(deployment_id)
    until(lambda: site.at_work(deployment_id))
    return process, action_id


def show(name: str, began: float) -> None:
    """Say how long it took; machines differ, so it is not asserted."""
    sys.stdout.write(f"\n{name}: {time.monotonic() - began:.1f} s\n")


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a generous deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.2)


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(") ")[2].split()[1])


def _children(pid: int) -> list[int]:
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [one for one in pids if _parent(one) == pid]


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
