"""Building blocks of the tests that run Ansible on a loopback host with stand-in content."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunRequest
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.runs import RunExecutor

CONTENT = Path(__file__).parent / "content"
ENVIRONMENT = "e" * 24
DEADLINE_SECONDS = 120.0


class Steps:
    """A progress sink that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[RunProgress] = []
        self.lines: list[str] = []

    def began(self, request: RunRequest) -> None:
        return

    def log(self, run_id: str, lines: Sequence[str]) -> None:
        self.lines.extend(lines)

    def progress(self, progress: RunProgress) -> None:
        self.steps.append(progress)


class Cancel:
    """A cancel signal that comes when a condition is true."""

    def __init__(self, condition: Callable[[], bool] = lambda: False) -> None:
        self._condition = condition

    def reason(self) -> str | None:
        return "canceled" if self._condition() else None


def make_spec(action_type: ActionType = ActionType.DEPLOYMENT_STOP, **fields: object) -> ActionSpec:
    """Build an action of the test environment."""
    values: dict[str, object] = {
        "id": "a" * 24,
        "type": action_type,
        "environment_id": ENVIRONMENT,
        "environment_name": "test",
        "deployment": DeploymentTarget(id="churn", label="Churn", generation=1),
        "requested_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return ActionSpec(**{**values, **fields})  # type: ignore[arg-type]


def make_installation(**inherited: str) -> Installation:
    return Installation(bin_dir=None, inherited={**os.environ, **inherited})


def make_executor(binding: EnvironmentBinding, *, content: Path = CONTENT, **inherited: str) -> RunExecutor:
    """Return an executor of runs in one environment with stand-in content."""
    return RunExecutor(
        bindings={binding.environment_id: binding},
        installation=make_installation(**inherited),
        content_path=content,
        archive_path=Path,
        inherited={**os.environ, **inherited},
    )


def execute(
    binding: EnvironmentBinding,
    request: RunRequest,
    *,
    cancel: Cancel | None = None,
    content: Path = CONTENT,
    **inherited: str,
) -> RunOutcome:
    return make_executor(binding, content=content, **inherited).execute(request, Steps(), cancel or Cancel())


def make_content(folder: Path, tasks: str, *, name: str = "deployment_status") -> Path:
    """Write a content folder with one playbook of these tasks and the stand-in role."""
    (folder / "playbooks").mkdir(parents=True)
    header = "- name: Test\n  hosts: all\n  gather_facts: false\n  tasks:\n"
    (folder / "playbooks" / f"{name}.yml").write_text(header + tasks)
    (folder / "roles").symlink_to(CONTENT / "roles")
    return folder


def make_request(playbook: str = "deployment_status", **fields: object) -> RunRequest:
    """Build a request of a playbook that needs no variables."""
    values: dict[str, object] = {
        "run_id": "b" * 24,
        "action_id": "a" * 24,
        "environment_id": ENVIRONMENT,
        "playbook": playbook,
        "hosts": ("loopback",),
        "variables": {"mgmt_event": {"schema": 1}},
        "timeout_seconds": 60.0,
    }
    return RunRequest(**{**values, **fields})  # type: ignore[arg-type]


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.05)
