"""One attempt of the agent: by `perform`, or in a process of its own, so that it can be killed: JSON in, the host's outcome out.

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
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.inventories import AnsibleInventory
from mgmt_ansible.execution.runs import RunExecutor
from mgmt_ansible.plugins.ansible import AnsiblePlugin
from tests.testbed import plans

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
    archive = Path(asked["archive"]) if asked["archive"] else None
    chosen = {name: of(asked["binding"][name]) for name, of in _CHOICES.items() if name in asked["binding"]}
    outcome = perform(
        asked["host"],
        EnvironmentBinding(**{**asked["binding"], **chosen, "runtimes": tuple(Runtime)}),
        make_spec(
            ActionType(asked["action"]),
            asked["deployment_id"],
            asked["generation"],
            archive,
            port=asked["port"],
            **asked["spec"],
        ),
        archive,
        attempt=asked["attempt"],
        content_path=Path(asked["content_path"]),
    )
    return asdict(outcome)


def make_spec(
    action: ActionType,
    deployment_id: str,
    generation: int,
    archive: Path | None,
    *,
    port: int | None = None,
    **spec: Any,
) -> ActionSpec:
    """Return an action on a deployment, requested now; `spec`: its further settings, such as `ready_timeout_seconds`."""
    package = _package(archive) if archive else None
    target = DeploymentTarget(id=deployment_id, label="test", generation=generation, package=package, port=port)
    return ActionSpec(
        id=f"{generation:024x}",
        type=action,
        environment_id=ENVIRONMENT,
        environment_name="testbed",
        deployment=target,
        requested_at=datetime.now(UTC),
        **spec,
    )


def perform(
    host: str,
    binding: EnvironmentBinding,
    spec: ActionSpec,
    archive: Path | None,
    *,
    attempt: int = 1,
    content_path: Path = plans.ROOT,
) -> HostOutcome:
    """Plan and perform an action as the agent does; return what the host made of it.

    Args:
        host: The only one of the binding, by its name in the inventory.
        binding: Of environment `ENVIRONMENT`.
        spec: What; see `make_spec`.
        archive: Of its package; None where it has none.
        attempt: Number of the claim.
        content_path: Folder of the playbooks and roles.
    """
    bindings, inherited = {ENVIRONMENT: binding}, dict(os.environ)
    installation = Installation(bin_dir=None, inherited=inherited)
    executor = RunExecutor(
        bindings=bindings,
        installation=installation,
        content_path=content_path,
        archive_path=lambda _: archive or Path(),
        inherited=inherited,
    )
    workers = ThreadWorkers(executor.execute, size=1)
    try:
        resolver = AnsibleInventory(bindings=bindings, installation=installation, inherited=inherited)
        plugin = AnsiblePlugin(bindings=bindings, inventory=resolver, workers=workers)
        claim = Claim(spec=spec, attempt=attempt, expires_at=spec.requested_at, heartbeat_seconds=60)
        ((_, outcome),) = plugin.perform(claim, plugin.plan(spec), _Silent(), _NO_CANCEL)
    finally:
        workers.close()
    return outcome.hosts[host]


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
