"""An exported run: rendered again, checked by hash, and run by hand with nothing but `sh`."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.exports import RecordedRun, RunExporter
from mgmt_ansible.rendering.runs import render_run
from tests.integration.loopback_runs import CONTENT, ENVIRONMENT, make_installation, make_spec
from tests.unit.agent.scripted import PACKAGE

pytestmark = pytest.mark.ssh

SPEC = make_spec(deployment=DeploymentTarget(id="churn", label="{{ 7 * 7 }}", generation=1, package=PACKAGE, port=8080))
LAUNCH = replace(SPEC, type=SPEC.type.DEPLOYMENT_LAUNCH)


def record(binding: EnvironmentBinding) -> RecordedRun:
    request = render_run(LAUNCH, attempt=1, hosts=("loopback",), run_id="b" * 24, binding=binding)
    return RecordedRun(run_id="b" * 24, spec=LAUNCH, attempt=1, hosts=("loopback",), request_hash=request.hash)


def make_exporter(binding: EnvironmentBinding, tmp_path: Path) -> RunExporter:
    archive = tmp_path / "archive"
    archive.write_bytes(b"archive")
    return RunExporter(
        bindings={ENVIRONMENT: binding},
        installation=make_installation(),
        content_path=CONTENT,
        archive_path=lambda digest: archive,
    )


def run_by_hand(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(directory / "run.sh"), *arguments], capture_output=True, text=True, check=False)


def test_an_exported_run_runs_by_hand(binding, tmp_path):
    """The same playbook on the same host, started from any directory."""
    directory = tmp_path / "export"

    make_exporter(binding, tmp_path).export(record(binding), directory)
    done = run_by_hand(directory)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "failed=0" in done.stdout


def test_an_export_stands_alone(binding, tmp_path):
    """Nothing in it is a link: it can be carried away."""
    directory = tmp_path / "export"

    make_exporter(binding, tmp_path).export(record(binding), directory)

    assert [] == [path for path in directory.rglob("*") if path.is_symlink()]
    assert b"archive" == (directory / "files" / "package").read_bytes()
    assert {"README.md", "ansible.cfg", "deployment_launch.yml", "files", "limit", "roles", "run.sh", "vars.json"} == {
        path.name for path in directory.iterdir()
    }


def test_settings_that_have_changed_are_a_conflict(binding, tmp_path):
    """What is exported is what was run, or nothing."""
    exporter = make_exporter(replace(binding, boot_start=False), tmp_path)

    with pytest.raises(errors.ConflictError, match="settings of the environment have changed"):
        exporter.export(record(binding), tmp_path / "export")


def test_another_base_directory_needs_no_hash_and_no_port(binding, tmp_path):
    """A second installation beside the first one."""
    request = make_exporter(binding, tmp_path).export(record(binding), tmp_path / "export", base_dir="/srv/other")

    assert {"__ansible_unsafe": "/srv/other"} == request.variables["mgmt_event"]["settings"]["base_dir"]
    assert request.variables["mgmt_event"]["deployment"]["port"] is None


def test_a_password_is_a_reference_and_never_a_value(binding, tmp_path):
    """The folder may be mailed."""
    password = tmp_path / "become"
    password.write_text("hunter22")
    vault = tmp_path / "vault"
    vault.write_text("vaultpass99")
    secret = replace(binding, become_password_file=password, vault_password_files=(vault,))
    directory = tmp_path / "export"

    make_exporter(secret, tmp_path).export(record(secret), directory)

    texts = "".join(path.read_text() for path in directory.rglob("*") if path.is_file())
    assert "hunter22" not in texts
    assert "vaultpass99" not in texts
    assert f"--become-password-file {password}" in texts


def test_a_folder_that_is_not_empty_is_left_alone(binding, tmp_path):
    """Nobody's files are overwritten."""
    with pytest.raises(errors.ConflictError, match="is not empty"):
        make_exporter(binding, tmp_path).export(record(binding), tmp_path)


def test_an_environment_of_another_agent_says_where_to_go(binding, tmp_path):
    """Export works where the agent's settings are."""
    recorded = replace(record(binding), spec=replace(LAUNCH, environment_id="0" * 24))

    with pytest.raises(errors.NotFoundError, match="export where they are"):
        make_exporter(binding, tmp_path).export(recorded, tmp_path / "export")
