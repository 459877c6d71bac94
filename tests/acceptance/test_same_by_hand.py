"""A run that was exported does the same by hand (design, "Same by hand")."""

from __future__ import annotations

import glob
import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from mgmt_ansible.quickstart import host_state
from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import Program, read_json, run

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]

RESULT = re.compile(r'^(?:ok|changed): \[loopback\] => (\{.*"mgmt_result".*\})$', re.MULTILINE)
OWN = {"pid", "port", "start_time", "url"}
"""Of an identity: what belongs to one process of one base directory."""


@pytest.fixture(scope="module")
def launched():
    """A running quickstart: its data folder, and the id of the run that launched its model."""
    with tempfile.TemporaryDirectory(prefix="mgmt-ansible-test-") as folder:
        data = Path(folder)
        program = Program(data / "output", "up", "--data", data / "up")
        try:
            program.wait_for("Ctrl-C stops all of it")
            runs = read_json("--data", data / "up", "run", "list")
            yield data, next(one["id"] for one in runs if one["playbook"] == "deployment_launch")
        finally:
            program.end()


def export(data: Path, run_id: str, directory: Path, *more: object) -> None:
    agent = ("--agent-config", data / "up" / "agent.yaml")
    done = run("--data", data / "up", "run", "export", run_id, directory, *agent, *more)
    assert 0 == done.returncode, done.stdout + done.stderr


def play(directory: Path) -> tuple[dict, str]:
    """Run an export by hand; returns the `res` of the deployment's task, and all that Ansible said."""
    done = subprocess.run(["sh", directory / "run.sh", "-v"], capture_output=True, text=True, check=False, timeout=300)
    found = RESULT.search(done.stdout)
    assert found, done.stdout + done.stderr
    return json.loads(found[1])["mgmt_result"], done.stdout


def comparable(result: dict) -> dict:
    """Return a result without times, pids and ports."""
    identity = {name: value for name, value in result["identity"].items() if name not in OWN}
    steps = [(step["name"], step["changed"]) for step in result["steps"]]
    message = result["message"].replace(str(result["identity"]["port"]), "PORT")
    return {**result, "identity": identity, "steps": steps, "message": message}


def test_on_the_same_host_nothing_changes(launched):
    """The release serves already, so the host says `ok`."""
    data, run_id = launched
    export(data, run_id, data / "same")

    result, said = play(data / "same")

    assert "ok" == result["outcome"]
    assert re.search(r"changed=0 .*failed=0", said)


def test_in_another_base_directory_the_result_is_the_same(launched):
    """But for times, pids and ports."""
    data, run_id = launched
    export(data, run_id, data / "other", "--base-dir", data / "base")
    recorded = read_json("--data", data / "up", "run", "show", run_id)["hosts"][0]

    try:
        result, _ = play(data / "other")
        slots = re.search(r"`(/\S+process\.json)`", (data / "other" / "README.md").read_text())[1]
        assert 1 == len(glob.glob(slots))  # noqa: PTH207 - the pattern is an absolute path
        again, said = play(data / "other")
    finally:
        host_state.stop_models(data / "base")

    assert recorded["outcome"] == result["outcome"] == "changed"
    assert [(step["name"], step["changed"]) for step in recorded["steps"]] == comparable(result)["steps"]
    assert recorded["identity"]["digest"] == result["identity"]["digest"]
    assert recorded["message"].replace(str(recorded["identity"]["port"]), "PORT") == comparable(result)["message"]
    assert (recorded["notes"], recorded["evidence"]) == (result["notes"], result["evidence"])
    assert "ok" == again["outcome"]
    assert re.search(r"changed=0 .*failed=0", said)
