"""Actions and waves become run requests; the variables are those of docs/reference/host-contract.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import CHANGING, NEEDS_PACKAGE, ActionSpec, ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.runs import RunRequest
from mgmt_ansible.domain.runtime_rows import RuntimeRow
from mgmt_ansible.rendering.unsafe import wrap_unsafe

EVENT_SCHEMA = 1
"""Version of `mgmt_event`."""

CANCEL_PLAYBOOK = "deployment_cancel"
"""Stops the recorded holder of a deployment on its hosts."""

LOCK_SECONDS = 30.0
"""How long a host's module waits for another one to let go (source: `mgmt_host/fence.py`)."""

_CONNECTING_SECONDS = 60.0
"""For the start of a run and its connections, besides what its hosts need, `forks` at a time."""
_LOOKING_SECONDS = 5.0


def render_run(
    spec: ActionSpec, *, attempt: int, hosts: tuple[str, ...], run_id: str, binding: EnvironmentBinding
) -> RunRequest:
    """Return the run that does an action on a wave.

    Args:
        spec: The action.
        attempt: Of the claim, from 1.
        hosts: The wave, not empty.
        run_id: 24 hex digits, made by the caller.
        binding: Of the action's environment.

    Raises:
        RenderError: The action names no deployment or package where it needs one, or is of another environment.
    """
    _check(spec, hosts, binding)
    package = spec.deployment.package if spec.deployment is not None and spec.work in NEEDS_PACKAGE else None
    return RunRequest(
        run_id=run_id,
        action_id=spec.id,
        environment_id=spec.environment_id,
        playbook=spec.work.value,
        hosts=hosts,
        variables=_variables(spec, spec.work.value, attempt, binding, _observed_targets(spec)),
        archive_digest=package.archive_sha256 if package is not None else None,
        timeout_seconds=spec.timeout_seconds,
        check=spec.dry,
    )


def render_cancel(
    spec: ActionSpec, *, attempt: int, hosts: tuple[str, ...], run_id: str, binding: EnvironmentBinding
) -> RunRequest:
    """Return the run that stops what an attempt of an action left running on its hosts.

    Raises:
        RenderError: As `render_run`.
    """
    _check(spec, hosts, binding)
    return RunRequest(
        run_id=run_id,
        action_id=spec.id,
        environment_id=spec.environment_id,
        playbook=CANCEL_PLAYBOOK,
        hosts=hosts,
        variables=_variables(spec, CANCEL_PLAYBOOK, attempt, binding),
        timeout_seconds=_for_all(
            hosts, binding, LOCK_SECONDS + 3 * spec.stop_timeout_seconds + spec.ready_timeout_seconds
        ),
    )


def render_look(
    spec: ActionSpec,
    *,
    attempt: int,
    hosts: tuple[str, ...],
    run_id: str,
    binding: EnvironmentBinding,
    wait_seconds: float,
) -> RunRequest:
    """Return the read-only run that asks hosts how a changing action ended there.

    Args:
        spec: The action.
        attempt: Holders of this or a lower one are waited for.
        hosts: Whom to ask, not empty.
        run_id: 24 hex digits, made by the caller.
        binding: Of the action's environment.
        wait_seconds: How long a host may wait for a holder that works.

    Raises:
        RenderError: As `render_run`.
    """
    _check(spec, hosts, binding)
    asked = [_observed(target, attempt, wait_seconds) for target in _changed_targets(spec)]
    return RunRequest(
        run_id=run_id,
        action_id=spec.id,
        environment_id=spec.environment_id,
        playbook=ActionType.DEPLOYMENT_STATUS.value,
        hosts=hosts,
        variables=_variables(spec, ActionType.DEPLOYMENT_STATUS.value, attempt, binding, asked),
        timeout_seconds=_for_all(hosts, binding, _LOOKING_SECONDS + wait_seconds),
    )


def _for_all(hosts: tuple[str, ...], binding: EnvironmentBinding, each_seconds: float) -> float:
    return _CONNECTING_SECONDS + math.ceil(len(hosts) / max(binding.forks, 1)) * each_seconds


def _changed_targets(spec: ActionSpec) -> tuple[DeploymentTarget, ...]:
    if spec.deployment is None:
        return ()
    return (replace(spec.deployment, package=None) if spec.type is ActionType.DEPLOYMENT_STOP else spec.deployment,)


def _check(spec: ActionSpec, hosts: tuple[str, ...], binding: EnvironmentBinding) -> None:
    if binding.environment_id != spec.environment_id:
        raise errors.RenderError(f"action {spec.id}: environment {spec.environment_id} is not {binding.environment_id}")
    if not hosts:
        raise errors.RenderError(f"action {spec.id}: a run needs at least one host")
    if spec.work in CHANGING and spec.deployment is None:
        raise errors.RenderError(f"action {spec.id}: {spec.work} needs a deployment")
    if spec.dry and spec.work not in CHANGING:
        raise errors.RenderError(f"action {spec.id}: a dry run needs a change that it tells of")
    if spec.work in NEEDS_PACKAGE and (spec.deployment is None or spec.deployment.package is None):
        raise errors.RenderError(f"action {spec.id}: {spec.work} needs a model package")


def _variables(
    spec: ActionSpec,
    action: str,
    attempt: int,
    binding: EnvironmentBinding,
    observed: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    deployment = spec.deployment
    event = {
        "schema": EVENT_SCHEMA,
        "action": action,
        "action_id": spec.id,
        "attempt": attempt,
        "environment": {"id": spec.environment_id, "name": spec.environment_name},
        "deployment": _deployment(deployment) if deployment is not None else None,
        "package": _package(deployment.package) if deployment is not None and deployment.package is not None else None,
        "deployments": observed,
        "settings": _settings(spec, binding),
        "key_values": [asdict(one) for one in spec.key_values],
    }
    return {"mgmt_event": wrap_unsafe(event)}


def _deployment(target: DeploymentTarget) -> dict[str, object]:
    return {"id": target.id, "label": target.label, "generation": target.generation, "port": target.port}


def _package(package: ModelPackage) -> dict[str, object]:
    return asdict(package)


def _observed_targets(spec: ActionSpec) -> list[dict[str, object]]:
    if spec.work in CHANGING:
        return []
    if spec.deployments or spec.deployment is None:
        return [_observed(target) for target in spec.deployments]
    return [_observed(spec.deployment)]


def _observed(target: DeploymentTarget, attempt: int = 0, wait_seconds: float = 0.0) -> dict[str, object]:
    digest = target.package.digest if target.package is not None else None
    return {
        "id": target.id,
        "generation": target.generation,
        "digest": digest,
        "attempt": attempt,
        "wait_seconds": wait_seconds,
    }


def _settings(spec: ActionSpec, binding: EnvironmentBinding) -> dict[str, object]:
    row = _runtime_row(spec, binding)
    return {
        "base_dir": binding.base_dir,
        "bind_address": binding.bind_address,
        "traffic": binding.traffic.value,
        "drain_timeout_seconds": binding.drain_timeout_seconds,
        "boot_start": binding.boot_start,
        "supervision": binding.supervision,
        "container_engine": binding.container_engine,
        "secret_files": [{"name": name, "path": path} for name, path in sorted(binding.secret_files.items())],
        "pip_arguments": binding.pip_arguments,
        "wheelhouse": binding.wheelhouse is not None,
        "runtime_row": row.to_event() if row is not None else None,
        "runtime_role": row.role if row is not None else "",
        "minimum_healthy_seconds": spec.minimum_healthy_seconds,
        "ready_timeout_seconds": spec.ready_timeout_seconds,
        "stop_timeout_seconds": spec.stop_timeout_seconds,
    }


def _runtime_row(spec: ActionSpec, binding: EnvironmentBinding) -> RuntimeRow | None:
    """Return the row of the package's runtime where a user added it."""
    package = spec.deployment.package if spec.deployment is not None else None
    return next((row for row in binding.runtime_rows if package is not None and row.name == package.runtime), None)
