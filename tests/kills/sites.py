"""A whole site in a folder: control plane, sshd, two hosts on this machine, and agents that can be killed.

Both hosts are this machine over one private sshd; each has a base directory of its own. Everything that the site starts
carries the folder's path in its command line or its environment, which is how the oracle finds it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests
import yaml

from mgmt_ansible import archives, errors
from mgmt_ansible.client import Client
from mgmt_ansible.quickstart import host_state, processes, samples
from mgmt_ansible.quickstart.children import Child
from mgmt_ansible.quickstart.data_folder import DataFolder, write_private
from mgmt_ansible.quickstart.loopback import LoopbackHost, free_port
from mgmt_ansible.settings.content import default_content_path
from mgmt_ansible.wire.api_v2 import ModelPackage, PredictionEnvironment, PredictionEnvironmentIn
from tests.kills.content import copy_content
from tests.kills.models import find_or_train

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = default_content_path()
CACHE = ROOT / ".cache" / "kills"
"""Models and runtime environments, which are dear to make, from one run to the next."""
HOSTS = ("h1", "h2")
ENVIRONMENTS = {1: HOSTS[:1], 2: HOSTS}
"""Number of hosts -> their names."""
_START_SECONDS = 300.0
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Release:
    """What an agent is started from."""

    version: str
    content: Path


class AgentProgram:
    """One agent as a service manager sees it: a configuration, and a process that comes and goes."""

    def __init__(self, site: KillSite, name: str, release: Release) -> None:
        self.site = site
        self.name = name
        self.release = release
        self.log = site.folder.logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran last."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; returns at once."""
        config = self.site.folder.root / f"{self.name}.yaml"
        write_private(config, yaml.safe_dump(self.site.agent_configuration(self), sort_keys=False))
        arguments = [str(self.site.barriers), self.release.version, "agent", "--config", str(config)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.kills.agent", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**_environment(), "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )

    def wait_started(self) -> None:
        """Wait until the control plane has heard of it.

        Raises:
            QuickstartError: It ended, or said nothing in a minute.
        """
        began = self.log.stat().st_size if self.log.exists() else 0
        self.start()
        wait_for(lambda: b"agent_started" in self.log.read_bytes()[began:] or not self.running, f"{self.name} to start")
        if not self.running:
            raise errors.QuickstartError(f"{self.name} ended: {self.log.read_text()[-2000:]}")

    def kill(self) -> int:
        """`kill -9` its process, and nothing else; returns the pid."""
        if self._process is None:
            raise RuntimeError("it was never started")
        self._process.kill()
        self._process.wait()
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end, as a service manager does; then all that it left."""
        if self._process is not None and (mark := processes.mark_process(self._process.pid)):
            processes.stop_tree(mark, grace_seconds=10)
            self._process.wait()


class KillSite:
    """Starts and stops the parts; also a context manager.

    Attributes:
        folder: Where everything lies.
        barriers: Folder of the barriers.
        client: Connection to the control plane.
        environments: Number of hosts -> environment.
        packages: Model version -> package.
        agent: The first agent.
        other: The second one, with a token and a data directory of its own; of another release.
    """

    client: Client
    samples: samples.Samples
    agent: AgentProgram
    other: AgentProgram
    first_release: Release

    def __init__(self, traffic: str = "none") -> None:
        self.traffic = traffic
        self.folder = DataFolder(root=Path(tempfile.mkdtemp(prefix="mgmt-ansible-kills-")))
        self.folder.make()
        self.barriers = self.folder.root / "barriers"
        self.host = LoopbackHost(self.folder.sshd, extra_config=f"SetEnv KILLS_SITE={self.folder.root} SHLVL=1")
        self.plane_port = free_port()
        self.environments: dict[int, PredictionEnvironment] = {}
        self.packages: dict[str, ModelPackage] = {}
        self._plane = Child(self.folder, "control-plane")

    def __enter__(self) -> KillSite:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Bring everything up but the second agent."""
        self.barriers.mkdir()
        self._make_hosts()
        self.samples = find_or_train(CACHE / "models")
        self.start_plane()
        token = (self.folder.control_plane / "admin.token").read_text().strip()
        self.client = Client(self.plane_url, token)
        for count in ENVIRONMENTS:
            wanted = PredictionEnvironmentIn(name=f"hosts-{count}", status_interval_seconds=0)
            self.environments[count] = self.client.environments.create_environment(wanted)
        for version in samples.VERSIONS:
            self.packages[version] = self._upload(samples.archive_path(CACHE / "models", version), version)
        self._make_agents()
        self.agent.wait_started()

    def stop(self) -> None:
        """Stop everything that was started and remove the folder."""
        for agent in (getattr(self, "agent", None), getattr(self, "other", None)):
            if agent is not None:
                agent.stop()
        self.host.stop()
        for name in HOSTS:
            host_state.stop_models(self.base_dir(name))
        self._plane.stop()
        self.folder.remove()

    @property
    def plane_url(self) -> str:
        """Where the control plane answers."""
        return f"http://127.0.0.1:{self.plane_port}"

    def base_dir(self, host: str) -> Path:
        """Return a host's base directory."""
        return self.folder.root / "hosts" / host

    @property
    def host_pid(self) -> int:
        """Of the sshd."""
        mark = processes.find_mark(self.folder.sshd / "sshd.json")
        return mark.pid if mark else 0

    @property
    def parts(self) -> frozenset[int]:
        """Process ids of what should live: control plane, sshd, agents."""
        agents = (one.pid for one in (self.agent, self.other) if one.running)
        return frozenset({self.host_pid, self._plane.pid or 0, *agents}) - {0}

    def start_plane(self) -> None:
        """Start the control plane, always on the same port, and wait until it answers."""
        arguments = ["serve", "--data", str(self.folder.control_plane), "--port", str(self.plane_port)]
        self._plane.start("mgmt_ansible.cli", arguments)
        wait_for(self._plane_answers, "the control plane")

    def stop_plane(self) -> None:
        """Stop the control plane as a service manager does."""
        self._plane.stop()

    def agent_configuration(self, agent: AgentProgram) -> dict[str, object]:
        """Return an agent's configuration file as a value."""
        return {
            "control_plane": {"url": self.plane_url, "token_file": str(self.folder.root / f"{agent.name}.token")},
            "data_dir": str(self.folder.root / agent.name),
            "grace_seconds": _GRACE_SECONDS,
            "content_path": str(agent.release.content),
            "environments": [
                {
                    "id": environment.id,
                    "inventory": str(self.folder.root / f"hosts-{count}.yml"),
                    "ansible_cfg": str(self.host.ansible_cfg),
                    "base_dir": str(self.base_dir(HOSTS[0])),
                    "boot_start": False,
                    "traffic": self.traffic,
                    "supervision": "process",
                    "bind_address": "127.0.0.1",
                }
                for count, environment in self.environments.items()
            ],
        }

    def salted(self, version: str, salt: str) -> ModelPackage:
        """Register a model as a package that no host has yet."""
        with tempfile.TemporaryDirectory(dir=self.folder.root) as folder:
            inside = Path(folder) / "package"
            shutil.unpack_archive(samples.archive_path(CACHE / "models", version), inside, "gztar")
            (inside / "salt.txt").write_text(salt)
            archive = Path(folder) / "salted.tar.gz"
            archives.build_package(inside, archive)
            return self._upload(archive, f"{version}-{salt}")

    def _upload(self, archive: Path, version: str) -> ModelPackage:
        return self.client.packages.upload(archive, name=samples.PACKAGE_NAME, version=version)

    def _make_hosts(self) -> None:
        self.host.start()
        environments = CACHE / "environments"
        environments.mkdir(parents=True, exist_ok=True)
        for name in HOSTS:
            self.base_dir(name).mkdir(parents=True)
            (self.base_dir(name) / "environments").symlink_to(environments)
        for count, names in ENVIRONMENTS.items():
            hosts = {name: {**self.host.host_variables(), "kills_base_dir": str(self.base_dir(name))} for name in names}
            inventory = {"all": {"hosts": hosts}}
            (self.folder.root / f"hosts-{count}.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))

    def _make_agents(self) -> None:
        for name, version in (("agent", ""), ("other", "99.0.0")):
            ids = [one.id for one in self.environments.values()]
            made = self.client.access.create_token(name, kind="agent", environment_ids=ids)
            write_private(self.folder.root / f"{name}.token", f"{made.token}\n")
            content = copy_content(self.folder.root / f"content-{name}", self.barriers, release=version)
            setattr(self, name, AgentProgram(self, name, Release(version, content)))
        self.first_release = self.agent.release

    def _plane_answers(self) -> bool:
        if self._plane.exit_code is not None:
            raise self._plane.failure()
        place = self.folder.control_plane / "control-plane.json"
        try:
            ours = json.loads(place.read_text())["pid"] == self._plane.pid
            return ours and requests.get(f"{self.plane_url}/healthz", timeout=30).ok
        except (OSError, ValueError, KeyError):
            return False


def wait_for(condition: Callable[[], object], what: str, *, seconds: float = _START_SECONDS) -> None:
    """Wait until something holds.

    Raises:
        QuickstartError: It does not.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise errors.QuickstartError(f"waited {seconds:g} s for {what}")
        time.sleep(0.2)  # each look is a request; the agents need this machine too


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MGMT_ANSIBLE_", "PYTHON"))}
