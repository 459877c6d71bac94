"""What an agent does on a test host, one attempt a process: planned, rendered and executed as the real one does."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed import plans
from tests.testbed.acting import ENVIRONMENT
from tests.testbed.hosts import Host

_ACT_SECONDS = 900.0
STOP = "deployment_stop"


@dataclass
class Attempt:
    """A claim's process.

    Attributes:
        process: `tests.testbed.acting`.
        generation: What it brings.
    """

    process: subprocess.Popen[str]
    generation: int

    def outcome(self) -> dict[str, Any]:
        """Wait for its end and return what it says of the host; an outcome `killed` when it said nothing."""
        said, errors = self.process.communicate(timeout=_ACT_SECONDS)
        if self.process.returncode != 0 or not said:
            return {"outcome": "killed", "message": errors[-300:], "old_model_in_use": False, "identity": None}
        outcome: dict[str, Any] = json.loads(said.splitlines()[-1])
        return outcome

    def kill(self) -> None:
        """`kill -9` the agent alone: what it started lives on."""
        self.process.kill()
        self.process.wait()


class Agent:
    """An agent that manages one host; it becomes root where the host lets it.

    Attributes:
        host: Where.
    """

    def __init__(self, host: Host, content_path: Path = plans.ROOT, **binding: object) -> None:
        self.host = host
        self._content_path = content_path
        self._binding = {
            "environment_id": ENVIRONMENT,
            "inventory": str(host.plan.state / "inventory.yml"),
            "pattern": host.name,
            "ansible_cfg": str(host.plan.state / "ansible.cfg"),
            "become": host.kind != "plain",
            **binding,
        }

    @property
    def base_dir(self) -> str:
        """Where the host keeps everything."""
        return "/var/lib/mgmt-ansible" if self._binding["become"] else "/home/deploy/.local/share/mgmt-ansible"

    def begin(
        self,
        action: str,
        deployment_id: str,
        generation: int,
        archive: Path | None = None,
        *,
        attempt: int = 1,
        port: int | None = None,
        binding: dict[str, object] | None = None,
        **spec: object,
    ) -> Attempt:
        """Start an attempt.

        Args:
            action: Action type.
            deployment_id: Which.
            generation: Number of the wanted state.
            archive: Of the package; None where nothing shall serve.
            attempt: Number of the claim.
            port: Stable port, or None to let the host choose.
            binding: Settings of the environment that differ this time.
            spec: Settings of the action, such as `ready_timeout_seconds`.
        """
        request = {
            "binding": {**self._binding, **(binding or {})},
            "host": self.host.name,
            "action": action,
            "generation": generation,
            "attempt": attempt,
            "deployment_id": deployment_id,
            "port": port,
            "archive": str(archive) if archive else None,
            "content_path": str(self._content_path),
            "spec": spec,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.testbed.acting"],
            cwd=plans.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(request))
        process.stdin.close()
        process.stdin = None
        return Attempt(process, generation)
