"""Runs: a `RunRequest` becomes one `ansible-playbook` through ansible-runner, and a `RunOutcome`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from ansible_runner.exceptions import AnsibleRunnerException
from ansible_runner.runner import Runner
from pexpect.exceptions import ExceptionPexpect  # type: ignore[import-untyped] # ansible-runner lets it through

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.runs import RunOutcome, RunRequest, RunStatus
from mgmt_ansible.execution.ansible_options import ansible_cfg, run_environment, run_options
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.known_secrets import KnownSecrets
from mgmt_ansible.execution.left_behind import control_path_directory
from mgmt_ansible.execution.private_data import private_data, write_private, write_run_files
from mgmt_ansible.execution.projects import assemble_project
from mgmt_ansible.execution.recorders import EventRecorder
from mgmt_ansible.execution.run_watches import RunWatch
from mgmt_ansible.execution.runner_config import MinimalRunnerConfig
from mgmt_ansible.parsing.endings import RunEnd
from mgmt_ansible.parsing.runs import parse_run
from mgmt_ansible.ports import CancelSignal, ProgressSink

_ERROR_LIMIT = 1_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a run ended.

    Attributes:
        status: To be reported.
        known: What its events are judged by; `running` when nobody saw the end.
        message: Why nobody did.
        killed: A signal that is not ours ended Ansible.
    """

    status: RunStatus
    known: RunStatus
    message: str = ""
    killed: bool = False


class RunExecutor:
    """Executes runs on this machine; safe to use from several threads at once."""

    def __init__(
        self,
        *,
        bindings: Mapping[str, EnvironmentBinding],
        installation: Installation,
        content_path: Path,
        archive_path: Callable[[str], Path],
        inherited: Mapping[str, str],
        agent_id: str = "",
        watch: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        """Take what runs need.

        Args:
            bindings: Environment id -> binding.
            installation: The Ansible to use.
            content_path: Home of our playbooks and roles.
            archive_path: Archive sha256 -> path in the package cache.
            inherited: The process's own environment, for the bindings' allow-lists.
            agent_id: Whose connections are kept apart from everybody else's; empty keeps them where Ansible does.
            watch: Told of every raw runner event, for recordings.
        """
        self._watch = watch
        self._agent_id = agent_id
        self._bindings = bindings
        self._installation = installation
        self._content_path = content_path
        self._archive_path = archive_path
        self._inherited = inherited
        self._secrets = KnownSecrets(installation=installation, inherited=inherited)

    def execute(self, request: RunRequest, progress: ProgressSink, cancel: CancelSignal) -> RunOutcome:
        """Execute a run and block until it is final; a failed, canceled or timed-out run is a RunOutcome.

        Raises:
            ExecutionError: No such environment, no Ansible, a password file that cannot be read, no room for private
                files, a host name that cannot be used.
            RenderError: No such playbook.
        """
        binding = self._binding(request)
        secrets = self._secrets.of(binding)
        version = self._installation.version
        started_at = datetime.now(UTC)
        recorder = EventRecorder(run_id=request.run_id, progress=progress, secrets=secrets, watch=self._watch)
        with private_data(request.run_id) as directory:
            config = self._prepared(directory, request, binding)
            watch = RunWatch(directory, cancel, timeout_seconds=request.timeout_seconds)
            ended = _run(config, recorder, watch)
        status = ended.status
        end = RunEnd(
            started_at=started_at,
            ended_at=datetime.now(UTC),
            allowed_seconds=request.timeout_seconds,
            killed=ended.killed,
        )
        parsed = parse_run(recorder.events, hosts=request.hosts, status=ended.known, secrets=secrets, end=end)
        _log.info("run_ended", run_id=request.run_id, playbook=request.playbook, status=status.value)
        return RunOutcome(
            run_id=request.run_id,
            status=status,
            hosts=parsed.hosts,
            started_at=started_at,
            ended_at=end.ended_at,
            message=ended.message or parsed.message,
            log_tail=recorder.log_tail,
            log_lines=recorder.log_lines,
            ansible_version=version,
        )

    def _binding(self, request: RunRequest) -> EnvironmentBinding:
        try:
            return self._bindings[request.environment_id]
        except KeyError as exc:
            raise errors.ExecutionError(f"this agent does not serve environment {request.environment_id}") from exc

    def _prepared(self, directory: Path, request: RunRequest, binding: EnvironmentBinding) -> MinimalRunnerConfig:
        try:
            return self._prepare(directory, request, binding)
        except OSError as exc:
            raise errors.ExecutionError(f"run {request.run_id} cannot be prepared in {directory}: {exc}") from exc

    def _prepare(self, directory: Path, request: RunRequest, binding: EnvironmentBinding) -> MinimalRunnerConfig:
        archive = self._archive_path(request.archive_digest) if request.archive_digest else None
        project = directory / "project"
        assemble_project(project, request, binding, content_path=self._content_path, archive=archive)
        limit = write_run_files(directory, hosts=request.hosts, variables=request.variables)
        config = Path(binding.ansible_cfg) if binding.ansible_cfg is not None else directory / "ansible.cfg"
        if binding.ansible_cfg is None:
            write_private(config, ansible_cfg(binding))
        return MinimalRunnerConfig(
            environment=self._environment(binding, config),
            private_data_dir=str(directory),
            ident=request.run_id,
            playbook=f"{request.playbook}.yml",
            inventory=str(binding.inventory),
            limit=f"@{limit}",
            cmdline=shlex.join(run_options(binding, check=request.check)),
        )

    def _environment(self, binding: EnvironmentBinding, config: Path) -> dict[str, str]:
        environment = run_environment(binding, self._installation.environment, self._inherited, config=config)
        directory = control_path_directory(binding, self._agent_id)
        return {"ANSIBLE_SSH_CONTROL_PATH_DIR": directory, **environment} if directory is not None else environment


def _run(config: MinimalRunnerConfig, recorder: EventRecorder, watch: RunWatch) -> _Ended:
    """Run ansible-playbook to its end, or to ours."""
    try:
        config.prepare()
        runner = Runner(
            config,
            event_handler=recorder.take,
            cancel_callback=watch.must_end,
            status_handler=_drop_command_artifact,
        )
        status, code = runner.run()
    except (AnsibleRunnerException, ExceptionPexpect, OSError, ValueError) as exc:
        return _broken(exc, recorder, watch)
    ended = watch.stopped or RunStatus(status)
    # pexpect knows no exit code of a process that a signal ended
    return _Ended(ended, ended, killed=watch.stopped is None and code is None)


def _broken(exc: Exception, recorder: EventRecorder, watch: RunWatch) -> _Ended:
    """Stop what ansible-runner lost sight of.

    Raises:
        ExecutionError: Nothing ran at all.
    """
    running = watch.stop()
    if watch.stopped is not None:
        return _Ended(watch.stopped, watch.stopped)
    said = f"{type(exc).__name__}: {redact(str(exc), limit=_ERROR_LIMIT)}"
    _log.error("runner_broke", error=said, was_running=running)
    if not (running or recorder.events):
        raise errors.ExecutionError(f"ansible-runner could not run: {said}") from exc
    return _Ended(RunStatus.CANCELED, RunStatus.RUNNING, f"the run was stopped, as ansible-runner broke: {said}")


def _drop_command_artifact(status: Mapping[str, object], runner_config: MinimalRunnerConfig) -> None:
    """Delete the file in which ansible-runner records the run's whole environment, as soon as it is there."""
    if status["status"] == "running":
        (Path(runner_config.artifact_dir) / "command").unlink(missing_ok=True)
