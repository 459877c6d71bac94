"""A recorded action as a folder that runs by hand: same playbook, same variables, same command line, no secret values."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import NEEDS_PACKAGE, ActionSpec
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.runs import RunRequest
from mgmt_ansible.execution.ansible_options import ansible_cfg, run_options
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.private_data import limit_text, write_private
from mgmt_ansible.execution.projects import assemble_project
from mgmt_ansible.rendering.runs import render_run

_RUN_SH = """\
#!/bin/sh
# Run {run_id} of action {action_id}, attempt {attempt}, by hand. Passwords are read from the files that are named here.
set -eu
cd -- "$(dirname -- "$0")"
export ANSIBLE_CONFIG={config}
export ANSIBLE_HOST_KEY_CHECKING=True
export ANSIBLE_INVENTORY_UNPARSED_FAILED=True
export LC_ALL=C.UTF-8
PATH={path}:"$PATH"
exec {command} "$@"
"""

_README = """\
# Run {run_id} by hand

`sh run.sh` runs the playbook `{playbook}.yml` of action `{action_id}` (attempt {attempt}) on the hosts in `limit`, as the agent
did; `sh run.sh --check --diff` only shows what it would change.

- `vars.json`: the variables, every string marked so that Ansible does not read it as a template
- `roles/`, `module_utils/`, `files/`: what the playbook uses, copied
- inventory: `{inventory}` (not copied: it is yours)
- passwords: none in this folder; `run.sh` names their files
- request hash: `{request_hash}`{hash_note}

A run by hand is fenced like any other: a host that carries something newer answers `superseded`.
{rehearsal}"""

_REHEARSAL = """
What this rehearsal starts on a host goes on: it belongs to nobody but you. To end it there, send SIGTERM to the supervisor
that `{base_dir}/deployments/{deployment_id}/slots/*/process.json` names, then remove `{base_dir}`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What the control plane recorded of a run.

    Attributes:
        run_id: 24 hex digits.
        spec: The action.
        attempt: Of its claim.
        hosts: The wave.
        request_hash: Of the request that was run.
    """

    run_id: str
    spec: ActionSpec
    attempt: int
    hosts: tuple[str, ...]
    request_hash: str


class RunExporter:
    """Writes recorded runs to folders."""

    def __init__(
        self,
        *,
        bindings: Mapping[str, EnvironmentBinding],
        installation: Installation,
        content_path: Path,
        archive_path: Callable[[str], Path],
    ) -> None:
        """Take what rendering again needs; the arguments are those of `RunExecutor`."""
        self._bindings = bindings
        self._installation = installation
        self._content_path = content_path
        self._archive_path = archive_path

    def export(self, recorded: RecordedRun, directory: Path, *, base_dir: str | None = None) -> RunRequest:
        """Render a recorded run again and write it to a new folder.

        Args:
            recorded: The run.
            directory: Must not exist, or be empty.
            base_dir: Another base directory on the hosts; then the hosts choose the port, and hashes are not compared.

        Returns:
            The request as it was rendered.

        Raises:
            ConflictError: What is rendered now is not what was run (settings changed), or the folder is not empty.
            NotFoundError: The agent's settings do not serve the environment.
            ArchiveError: The package is not in the cache.
        """
        binding = self._binding(recorded)
        request = _render(recorded, binding, base_dir)
        if base_dir is None and request.hash != recorded.request_hash:
            raise errors.ConflictError(
                f"run {recorded.run_id} was rendered as {recorded.request_hash}, but now gives {request.hash}: "
                "the agent's settings of the environment have changed since"
            )
        archive = self._archive_path(request.archive_digest) if request.archive_digest else None
        _make_empty(directory)
        staged = directory / "project"
        assemble_project(staged, request, binding, content_path=self._content_path, archive=archive, copied=True)
        for entry in staged.iterdir():
            shutil.move(entry, directory / entry.name)
        staged.rmdir()
        self._write_files(directory, request, binding, recorded, base_dir)
        return request

    def _binding(self, recorded: RecordedRun) -> EnvironmentBinding:
        try:
            return self._bindings[recorded.spec.environment_id]
        except KeyError as exc:
            raise errors.NotFoundError(
                f"environment {recorded.spec.environment_id} is not in the agent's settings: export where they are"
            ) from exc

    def _write_files(
        self,
        directory: Path,
        request: RunRequest,
        binding: EnvironmentBinding,
        recorded: RecordedRun,
        base_dir: str | None,
    ) -> None:
        write_private(directory / "vars.json", json.dumps(request.variables, indent=2, sort_keys=True) + "\n")
        write_private(directory / "limit", limit_text(request.hosts))
        write_private(directory / "ansible.cfg", _config(binding))
        values = {
            "run_id": recorded.run_id,
            "action_id": request.action_id,
            "attempt": recorded.attempt,
            "playbook": request.playbook,
            "inventory": binding.inventory,
            "request_hash": request.hash,
            "hash_note": "" if base_dir is None else " (not that of the recorded run: base directory and port differ)",
            "config": "ansible.cfg" if binding.ansible_cfg is None else shlex.quote(str(binding.ansible_cfg)),
            "path": shlex.quote(str(self._installation.bin_dir)),
            "command": shlex.join(_command(request, binding)),
            "rehearsal": _rehearsal(recorded.spec, base_dir),
        }
        write_private(directory / "run.sh", _RUN_SH.format_map(values))
        (directory / "run.sh").chmod(0o700)
        write_private(directory / "README.md", _README.format_map(values))


def _rehearsal(spec: ActionSpec, base_dir: str | None) -> str:
    if base_dir is None or spec.deployment is None or spec.type not in NEEDS_PACKAGE:
        return ""
    return _REHEARSAL.format(base_dir=base_dir, deployment_id=spec.deployment.id)


def _config(binding: EnvironmentBinding) -> str:
    """Return our `ansible.cfg`; the user's own is used where it lies, as its paths are relative to it."""
    if binding.ansible_cfg is None:
        return ansible_cfg(binding)
    return f"# Not used: run.sh takes {binding.ansible_cfg}, as the agent does.\n"


def _command(request: RunRequest, binding: EnvironmentBinding) -> list[str]:
    inventory = ["-i", str(binding.inventory), "--limit", "@limit", "-e", "@vars.json"]
    return ["ansible-playbook", *run_options(binding, check=request.check), *inventory, f"{request.playbook}.yml"]


def _render(recorded: RecordedRun, binding: EnvironmentBinding, base_dir: str | None) -> RunRequest:
    spec = recorded.spec
    if base_dir is not None:
        if not base_dir.startswith("/"):
            raise errors.InvalidRequestError(f"base_dir: {base_dir!r} is not an absolute path on the hosts")
        binding = replace(binding, base_dir=base_dir)
        deployment = replace(spec.deployment, port=None) if spec.deployment is not None else None
        spec = replace(spec, deployment=deployment)
    return render_run(spec, attempt=recorded.attempt, hosts=recorded.hosts, run_id=recorded.run_id, binding=binding)


def _make_empty(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.iterdir()):
            raise errors.ConflictError(f"{directory} is not empty: name a new folder")
    except OSError as exc:
        raise errors.ExecutionError(f"{directory} cannot be made: {exc}") from exc
