"""One attempt of the agent in a process of its own, so that it can be killed: a JSON request in, the host's outcome out.

It plans and performs as the agent does: Ansible resolves the inventory, ansible-runner executes, the outcome comes from events.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mgmt_ansible import archives
from mgmt_ansible.adapters.worker_pools import ThreadWorkers
from mgmt_ansible.domain.actions import ActionSpec, ActionType, Claim
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding, Supervision, Traffic
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.inventories import AnsibleInventory
from mgmt_ansible.execution.runs import RunExecutor
from mgmt_ansible.plugins.ansible import AnsiblePlugin

ENVIRONMENT = "e" * 24
_CHOICES = {"supervision": Supervision, "traffic": Traffic}
_NO_CANCEL = type("NoCancel", (), {"reason": lambda self: None})()


class _Silent:
    """A progress sink that keeps nothing."""

    def began(self, request: object) -> None: ...

    def log(self, run_id: str, lines: object) -> None: ...

    def progress(self, progress: object) -> None: ...


def main() -> None:
    """Read the request from standard input, act, and write the outcome of the one host as the last line."""
    outcome = act(json.load(sys.stdin))
    sys.stdout.write("\n" + json.dumps(outcome, default=str))


def act(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of the one host.

    Args:
        asked: `binding` (keyword arguments of EnvironmentBinding), `host`, `action`, `generation`, `attempt`, `deployment_id`,
            `port`, `archive` (a path, or null), `content_path` and `spec` (further keyword arguments of ActionSpec).
    """
    package = _package(Path(asked["archive"])) if asked["archive"] else None
    target = DeploymentTarget(
        id=asked["deployment_id"],
        label="test",
        generation=asked["generation"],
        package=package,
        port=asked["port"],
    )
    spec = ActionSpec(
        id=f"{asked['generation']:024x}",
        type=ActionType(asked["action"]),
        environment_id=ENVIRONMENT,
        environment_name="testbed",
        deployment=target,
        requested_at=datetime.now(UTC),
        **asked["spec"],
    )
    chosen = {name: of(asked["binding"][name]) for name, of in _CHOICES.items() if name in asked["binding"]}
    bindings = {ENVIRONMENT: EnvironmentBinding(**{**asked["binding"], **chosen, "runtimes": tuple(Runtime)})}
    installation, inherited = Installation(bin_dir=None, inherited=dict(os.environ)), dict(os.environ)
    executor = RunExecutor(
        bindings=bindings,
        installation=installation,
        content_path=Path(asked["content_path"]),
        archive_path=lambda _: Path(asked["archive"]),
        inherited=inherited,
    )
    workers = ThreadWorkers(executor.execute, size=1)
    try:
        resolver = AnsibleInventory(bindings=bindings, installation=installation, inherited=inherited)
        plugin = AnsiblePlugin(bindings=bindings, inventory=resolver, workers=workers)
        claim = Claim(spec=spec, attempt=asked["attempt"], expires_at=spec.requested_at, heartbeat_seconds=60)
        ((_, outcome),) = plugin.perform(claim, plugin.plan(spec), _Silent(), _NO_CANCEL)
    finally:
        workers.close()
    return asdict(outcome.hosts[asked["host"]])


def _package(archive: Path) -> ModelPackage:
    contents = archives.read_package(archive)
    return ModelPackage(
        id="1" * 24,
        name="tested",
        version=contents.digest[:8],
        digest=contents.digest,
        archive_sha256=contents.archive_sha256,
        archive_bytes=contents.archive_bytes,
        runtime=contents.runtime,
    )


if __name__ == "__main__":
    main()
