"""`up` as users run it: what it prints, and where it puts things."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import UP_READY, environment, read_json, run, wait_until_gone

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]

WATCHED = "deployment_launch_succeeded"
PRINTED = re.compile(r"^  (\S+mgmt-ansible --data .*)$", re.MULTILINE)


def test_every_printed_command_works_and_ctrl_c_leaves_nothing(up, data):
    """Pasted into another terminal, as printed; then everything stops, and only files stay."""
    program = up()
    program.wait_for(UP_READY)
    assert re.search(r"cultivar \d \(0\.\d\d\)", program.output)

    for command in PRINTED.findall(program.output):
        output, code = _run_as_printed(command)
        expected = (WATCHED, None) if "--watch" in command else ("", 0)
        assert expected[0] in output, f"{command}\n{output}"
        assert expected[1] == code, f"{command}\n{output}"
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", program.output)]

    assert 0 == program.stop(signal.SIGINT)
    assert [] == wait_until_gone(data)
    assert not any(_answers(port) for port in ports)


def test_what_was_replaced_comes_back_and_what_failed_is_relaunched(data, up):
    """One host after the other way round: look first, go back, and heal."""
    up().wait_for(UP_READY)
    at = ("--data", data)
    packages = read_json(*at, "package", "list")
    first = read_json(*at, "deployment", "list")[0]
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
    run(*at, "deployment", "stop", name, "--dry-run")
    os.kill(served["endpoints"][0]["pid"], signal.SIGSTOP)
    try:
        assert 1 == run(*at, "deployment", "status", name, "--wait").returncode
        healed = run(*at, "deployment", "relaunch", name, "--failed-only", "--wait")
    finally:
        os.kill(served["endpoints"][0]["pid"], signal.SIGCONT) if _lives(served["endpoints"][0]["pid"]) else None
    assert 0 == healed.returncode, healed.stdout + healed.stderr
    assert "passing" == read_json(*at, "deployment", "show", name)["serviceHealth"]["status"]


def test_a_second_up_on_the_same_folder_is_refused(up, data):
    """It names the first one and changes nothing; taken ports are stepped around."""
    first = up()
    first.wait_for(UP_READY)

    second = run("up", "--data", data)

    assert 1 == second.returncode
    assert f"in use by process {first.pid}" in second.stderr
    assert 0 == first.stop()


def test_a_taken_port_is_stepped_around(up, data):
    """The pages are found where the link says."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = up("--port", str(port))
        found = program.wait_for(r"http://127\.0\.0\.1:(\d+)/login")

        assert int(found[1]) > port
        program.stop()


def test_the_folder_tells_no_secret_to_others(up, data):
    """Every file that holds a token is for its owner only."""
    program = up()
    program.wait_for(r"/login\?code=")
    secrets = [data / name for name in ("client.yaml", "agent.token", "agent.yaml", "control-plane/admin.token")]

    assert [0o600] * len(secrets) == [path.stat().st_mode & 0o777 for path in secrets]


def _run_as_printed(command: str) -> tuple[str, int | None]:
    """Return output and exit code; None for one that still watches after it told what it was wanted for."""
    with subprocess.Popen(
        shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as process:
        for _ in range(120):
            try:
                return process.communicate(timeout=1)[0], process.returncode
            except subprocess.TimeoutExpired as exc:
                if "--watch" in command and WATCHED.encode() in (exc.output or b""):
                    break
        process.kill()
        return process.communicate()[0], None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
