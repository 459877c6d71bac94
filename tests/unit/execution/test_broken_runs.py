"""Runs that cannot be prepared, or that ansible-runner loses: with a stand-in for ansible-playbook."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunRequest, RunStatus
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.execution.runs import RunExecutor

BINDING = EnvironmentBinding(environment_id="e" * 24, inventory=PurePath("/hosts"))
REQUEST = RunRequest(
    run_id="b" * 24,
    action_id="a" * 24,
    environment_id="e" * 24,
    playbook="deployment_stop",
    hosts=("h1",),
    variables={},
    timeout_seconds=60.0,
)
VERSION = "#!{python}\nimport sys\nif '--version' in sys.argv: sys.exit(print('ansible-playbook [core 2.19.0]'))\n"
UNREADABLE_EVENT = """
import base64, json, os, pathlib, signal
pathlib.Path({place!r}).write_text(str(os.getpid()))
events = pathlib.Path(os.environ["AWX_ISOLATED_DATA_DIR"]) / "job_events"
(events / "one-partial.json").write_text("")
text = base64.b64encode(json.dumps({{"uuid": "one"}}).encode()).decode()
print(f"\\x1b[K{{text}}\\x1b[{{len(text)}}D\\x1b[K" * 2, flush=True)
signal.pause()
"""


class Quiet:
    def began(self, request: RunRequest) -> None:
        return

    def log(self, run_id: str, lines: Sequence[str]) -> None:
        return

    def progress(self, progress: RunProgress) -> None:
        return

    def reason(self) -> str | None:
        return None


def make_executor(content: Path, *, bin_dir: Path | None = None) -> RunExecutor:
    return RunExecutor(
        bindings={BINDING.environment_id: BINDING},
        installation=Installation(bin_dir=bin_dir, inherited=os.environ),
        content_path=content,
        archive_path=Path,
        inherited=os.environ,
    )


def execute(folder: Path, program: str) -> RunOutcome:
    """Execute a run with another ansible-playbook."""
    (folder / "playbooks").mkdir()
    (folder / "playbooks" / "deployment_stop.yml").touch()
    script = folder / "ansible-playbook"
    script.write_text(VERSION.format(python=sys.executable) + program)
    script.chmod(0o700)
    return make_executor(folder, bin_dir=folder).execute(REQUEST, Quiet(), Quiet())


def test_an_event_that_cannot_be_read_makes_unknown_hosts(tmp_path):
    """Nobody knows what the hosts did meanwhile, so nothing is called untouched."""
    outcome = execute(tmp_path, UNREADABLE_EVENT.format(place=str(tmp_path / "pid")))

    host = outcome.hosts["h1"]
    assert (RunStatus.CANCELED, Outcome.UNKNOWN, Cause.UNKNOWN) == (outcome.status, host.outcome, host.cause)
    assert "JSONDecodeError" in outcome.message


def test_a_run_that_is_lost_is_stopped(tmp_path):
    """ansible-runner leaves its child behind when it breaks."""
    execute(tmp_path, UNREADABLE_EVENT.format(place=str(tmp_path / "pid")))

    stat = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    assert not stat.exists() or " Z " in stat.read_text()


def test_what_cannot_be_prepared_is_an_error_that_names_the_run(tmp_path):
    """A playbook that cannot be read stands for a full disk: both are errors of the system."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "deployment_stop.yml").symlink_to("/proc/self/mem")

    with pytest.raises(errors.ExecutionError, match=r"run b+ cannot be prepared"):
        make_executor(tmp_path).execute(REQUEST, Quiet(), Quiet())
