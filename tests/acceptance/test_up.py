"""`up` as users run it: what it prints, where it puts things, and what its deployment then goes through."""

from __future__ import annotations

import glob
import json
import os
import re
import shlex
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from mgmt_ansible.quickstart import host_state
from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import environment, read_json, run
from tests.unit.mgmt_host.served_packages import ECHO, command_manifest, predict, times

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]

WATCHED = "deployment_launch_succeeded"
PRINTED = re.compile(r"^  (\S+mgmt-ansible --data .*)$", re.MULTILINE)

RESULT = re.compile(r'^(?:ok|changed): \[loopback\] => (\{.*"mgmt_result".*\})$', re.MULTILINE)
OWN = {"pid", "port", "start_time", "url"}
"""Of an identity: what belongs to one process of one base directory."""


@pytest.fixture(scope="module")
def launched(running, data) -> str:
    """The id of the run that launched a deployment which no other test touches."""
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    package, place = (read_json("--data", data, noun, "list")[0]["id"] for noun in ("package", "environment"))
    chosen = ("--id", name, "--package", package, "--environment", place)
    done = run("--data", data, "deployment", "launch", "By hand", *chosen, "--wait")
    assert 0 == done.returncode, done.stdout + done.stderr
    runs = read_json("--data", data, "run", "list", "--deployment", name)
    return next(one["id"] for one in runs if one["playbook"] == "deployment_launch")


def test_every_printed_command_works(running, ready):
    """Pasted into another terminal, as printed."""
    assert re.search(r"cultivar \d \(0\.\d\d\)", running.output)

    for command in PRINTED.findall(running.output):
        output, code = _run_as_printed(command)
        expected = (WATCHED, None) if "--watch" in command else ("", 0)
        assert expected[0] in output, f"{command}\n{output}"
        assert expected[1] == code, f"{command}\n{output}"


def test_a_second_up_on_the_same_folder_is_refused(running, data):
    """It names the first one and changes nothing."""
    second = run("up", "--data", data)

    assert 1 == second.returncode
    assert f"in use by process {running.pid}" in second.stderr


def test_a_taken_port_is_stepped_around(running):
    """The pages are found where the link says."""
    found = running.wait_for(r"http://127\.0\.0\.1:(\d+)/login")

    assert int(found[1]) > running.asked_port


def test_the_folder_tells_no_secret_to_others(running, data):
    """Every file that holds a token is for its owner only."""
    secrets = [data / name for name in ("client.yaml", "agent.token", "agent.yaml", "control-plane/admin.token")]

    assert [0o600] * len(secrets) == [path.stat().st_mode & 0o777 for path in secrets]


def test_what_was_replaced_comes_back_and_what_failed_is_relaunched(data, ready):
    """One host after the other way round: look first, go back, and heal."""
    at = ("--data", data)
    packages = read_json(*at, "package", "list")
    first = read_json(*at, "deployment", "show", "wine")
    name = first["id"]
    other = next(one for one in packages if one["digest"] != first["modelPackage"]["digest"])
    assert 0 == run(*at, "deployment", "replace", name, "--package", other["id"], "--wait").returncode
    next_generation = read_json(*at, "deployment", "show", name)["generation"] + 1

    dry = run(*at, "deployment", "rollback", name, "--dry-run")
    assert 0 == dry.returncode, dry.stdout + dry.stderr
    assert "dry run: 1 of 1 hosts would change" in dry.stdout
    assert f"+ generation {next_generation}, package {first['modelPackage']['digest'][:12]}" in dry.stdout
    assert other["digest"] == read_json(*at, "deployment", "hosts", name)[0]["digest"]

    back = run(*at, "deployment", "rollback", name, "--wait")
    assert 0 == back.returncode, back.stdout + back.stderr
    shown = read_json(*at, "deployment", "hosts", name)[0]
    assert (first["modelPackage"]["digest"], next_generation) == (shown["digest"], shown["generation"])
    assert shown["inStep"]

    assert 4 == run(*at, "deployment", "relaunch", name, "--failed-only").returncode
    served = read_json(*at, "deployment", "show", name)
    os.kill(served["endpoints"][0]["pid"], signal.SIGSTOP)
    try:
        assert 1 == run(*at, "deployment", "status", name, "--wait").returncode
        healed = run(*at, "deployment", "relaunch", name, "--failed-only", "--wait")
    finally:
        os.kill(served["endpoints"][0]["pid"], signal.SIGCONT) if _lives(served["endpoints"][0]["pid"]) else None
    assert 0 == healed.returncode, healed.stdout + healed.stderr
    assert "passing" == read_json(*at, "deployment", "show", name)["serviceHealth"]["status"]


def test_a_server_that_a_package_brings_is_served(running, data, tmp_path):
    """Registered, launched by the agent, which `up` allows it, and asked at the URL that the deployment shows."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "server.py").write_bytes(ECHO)
    (folder / "model-package.json").write_text(json.dumps(command_manifest(2.0)))
    added = read_json(
        "--data", data, "package", "add", folder, "--name", f"own-{uuid.uuid4().hex[:8]}", "--version", "1"
    )
    place = read_json("--data", data, "environment", "list")[0]["id"]
    chosen = ("--id", f"own-{uuid.uuid4().hex[:8]}", "--package", added["id"], "--environment", place)
    done = run("--data", data, "deployment", "launch", "Own server", *chosen, "--wait")
    shown = read_json("--data", data, "deployment", "show", chosen[1])

    assert 0 == done.returncode, done.stdout + done.stderr
    assert times(2.0) == predict({"url": shown["predictionUrl"]}), shown
    for gone in (("deployment", "delete", chosen[1], "--wait"), ("package", "delete", added["id"])):  # others take any
        ended = run("--data", data, *gone)
        assert 0 == ended.returncode, ended.stdout + ended.stderr


def test_a_run_played_by_hand_on_the_same_host_changes_nothing(launched, data, tmp_path):
    """The release serves already, so the host says `ok` (design, "Same by hand")."""
    _export(data, launched, tmp_path / "same")

    result, said = _play(tmp_path / "same")

    assert "ok" == result["outcome"]
    assert re.search(r"changed=0 .*failed=0", said)


def test_a_run_played_by_hand_in_another_base_directory_has_the_same_result(launched, data, tmp_path):
    """But for times, pids and ports."""
    _export(data, launched, tmp_path / "other", "--base-dir", tmp_path / "base")
    recorded = read_json("--data", data, "run", "show", launched)["hosts"][0]

    try:
        result, _ = _play(tmp_path / "other")
        slots = re.search(r"`(/\S+process\.json)`", (tmp_path / "other" / "README.md").read_text())[1]
        assert 1 == len(glob.glob(slots))  # noqa: PTH207 - the pattern is an absolute path
        again, said = _play(tmp_path / "other")
    finally:
        host_state.stop_models(tmp_path / "base")

    assert recorded["outcome"] == result["outcome"] == "changed"
    assert [(step["name"], step["changed"]) for step in recorded["steps"]] == _comparable(result)["steps"]
    assert recorded["identity"]["digest"] == result["identity"]["digest"]
    assert recorded["message"].replace(str(recorded["identity"]["port"]), "PORT") == _comparable(result)["message"]
    assert (recorded["notes"], recorded["evidence"]) == (result["notes"], result["evidence"])
    assert "ok" == again["outcome"]
    assert re.search(r"changed=0 .*failed=0", said)


def _export(data: Path, run_id: str, directory: Path, *more: object) -> None:
    agent = ("--agent-config", data / "agent.yaml")
    done = run("--data", data, "run", "export", run_id, directory, *agent, *more)
    assert 0 == done.returncode, done.stdout + done.stderr


def _play(directory: Path) -> tuple[dict, str]:
    """Run an export by hand; returns the `res` of the deployment's task, and all that Ansible said."""
    done = subprocess.run(["sh", directory / "run.sh", "-v"], capture_output=True, text=True, check=False, timeout=600)
    found = RESULT.search(done.stdout)
    assert found, done.stdout + done.stderr
    return json.loads(found[1])["mgmt_result"], done.stdout


def _comparable(result: dict) -> dict:
    """Return a result without times, pids and ports."""
    identity = {name: value for name, value in result["identity"].items() if name not in OWN}
    steps = [(step["name"], step["changed"]) for step in result["steps"]]
    message = result["message"].replace(str(result["identity"]["port"]), "PORT")
    return {**result, "identity": identity, "steps": steps, "message": message}


def _run_as_printed(command: str) -> tuple[str, int | None]:
    """Return output and exit code; None for one that still watches after it told what it was wanted for."""
    with subprocess.Popen(
        shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as process:
        for _ in range(600):
            try:
                return process.communicate(timeout=1)[0], process.returncode
            except subprocess.TimeoutExpired as exc:
                if "--watch" in command and WATCHED.encode() in (exc.output or b""):
                    break
        process.kill()
        return process.communicate()[0], None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
