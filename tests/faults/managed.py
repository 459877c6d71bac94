"""A test host with one deployment, as an agent manages it; each generation's model answers with its own number."""

from __future__ import annotations

import json
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.kills.content import copy_content
from tests.testbed import cgroups, containers, plans
from tests.testbed.agents import STOP, Agent, Attempt
from tests.testbed.commands import BedError
from tests.testbed.container_models import ECHO_IMAGE, ContainerHost
from tests.testbed.hosts import Host

DEPLOYMENT = "under-faults"
PORT = 18500
BARRIERS = Path("/dev/shm/faults")
"""On the test host, in memory: a full disk does not touch it."""
_SERVER = plans.ROOT / "tests" / "unit" / "mgmt_host" / "echo_server.py"
_ASK = """\
import json, sys, urllib.request
body = json.dumps({"rows": [[1.0]]}).encode()
request = urllib.request.Request("http://127.0.0.1:%s/predict" % sys.argv[1], body, {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request, timeout=5))["predictions"][0][0])
"""


class ManagedHost:
    """One deployment on one host: in a container where the host has an engine, else a process.

    Attributes:
        host: Where.
        generation: Of the newest action.
        model_file: Name of the file of each package that says what it predicts.
    """

    def __init__(self, host: Host, folder: Path, traffic: str = "auto") -> None:
        self.host = host
        self.generation = 0
        self._folder = folder
        self._agent = Agent(host, copy_content(folder / "content", BARRIERS), traffic=traffic)
        self._contained = host.kind in containers.ENGINES
        self.model_file = "model.txt" if self._contained else "server.py"
        self._build_image()

    def reset(self) -> None:
        """Wipe the host; it has its image again."""
        containers.reset(self.host, lambda _: None)
        self._build_image()

    def _build_image(self) -> None:
        if self._contained:
            ContainerHost(self.host, self._folder / "images", become=True).build_echo()

    @property
    def barriers(self) -> Path:
        """The host's folder of barriers, seen from outside; there from now on."""
        pid = self.host.first_process()
        if pid is None:
            raise BedError(f"{self.host.name} is off")
        folder = Path(f"/proc/{pid}/root{BARRIERS}")
        if not folder.exists():
            self.host.enter("mkdir", "-m", "0777", BARRIERS)
        return folder

    def begin(self, action: str, *, generation: int, attempt: int = 1) -> Attempt:
        """Start an attempt of the agent."""
        self.generation = max(self.generation, generation)
        archive = None if action == STOP else self.archive(generation)
        seconds = {"ready_timeout_seconds": 20.0, "stop_timeout_seconds": 3.0}
        return self._agent.begin(action, DEPLOYMENT, generation, archive, attempt=attempt, port=PORT, **seconds)

    def act(self, action: str, *, generation: int | None = None, attempt: int = 1) -> dict[str, Any]:
        """Perform an action, of a new generation unless told; return the host's outcome."""
        return self.begin(action, generation=generation or self.generation + 1, attempt=attempt).outcome()

    def archive(self, generation: int) -> Path:
        """Return the package whose model multiplies by the generation; no two are alike."""
        path = self._folder / f"{generation}.tar.gz"
        if not path.exists():
            folder = self._folder / str(generation)
            folder.mkdir()
            model = str(generation).encode() if self._contained else _SERVER.read_bytes()
            (folder / self.model_file).write_bytes(model)
            (folder / "model-package.json").write_text(json.dumps(self._manifest(generation)))
            with tarfile.open(path, "w:gz") as stream:
                for name in ("model-package.json", self.model_file):
                    (folder / name).chmod(0o644)
                    stream.add(folder / name, arcname=name)
        return path

    def answer(self) -> int | None:
        """Ask the stable address on the host itself; returns the generation that answers, None when nobody does."""
        try:
            said = self.host.enter("python3", "-c", _ASK, PORT, check=False)
            return int(float(said.stdout)) if said.returncode == 0 else None
        except (BedError, ValueError):
            return None

    def read(self, name: str) -> dict[str, Any]:
        """Return a JSON file of the deployment on the host; empty when it is not there or half."""
        said = self.host.enter("cat", f"{self.folder}/{name}", check=False)
        try:
            value = json.loads(said.stdout)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def base_dir(self) -> str:
        """Where the host keeps everything."""
        return self._agent.base_dir

    @property
    def folder(self) -> str:
        """The deployment's, on the host."""
        return f"{self.base_dir}/deployments/{DEPLOYMENT}"

    def servers(self, generation: int) -> list[int]:
        """Return the processes of a generation's model, by their ids outside."""
        wanted = [b"--factor", str(generation).encode()]
        return [pid for pid, words in self._processes() if wanted == words[-2:]]

    def proxies(self) -> list[int]:
        """Return the processes of the deployment's proxy, by their ids outside."""
        folder = f"{self.folder}/traffic".encode()
        return [pid for pid, words in self._processes() if folder in words]

    def _processes(self) -> list[tuple[int, list[bytes]]]:
        found = []
        for pid in cgroups.processes(self.host.plan.label, self.host.name):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                found.append((pid, words))
        return found

    def _manifest(self, generation: int) -> dict[str, Any]:
        serve = _in_container(generation) if self._contained else _as_process(generation)
        return {
            "schema": 1,
            "runtime": "container" if self._contained else "command",
            "model": self.model_file,
            "serve": {**serve, "health_path": "/health", "predict_path": "/predict"},
            "smoke": {"request": {"rows": [[1.0]]}, "answer": {"predictions": [[float(generation)]]}},
        }


def _as_process(generation: int) -> dict[str, Any]:
    start = ["python3", "{package}/server.py", "--port", "{port}", "--address", "{address}", "--factor"]
    return {"start": [*start, str(generation)]}


def _in_container(generation: int) -> dict[str, Any]:
    return {"image": ECHO_IMAGE, "port": 8080, "arguments": [str(generation)]}
