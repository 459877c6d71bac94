"""`up` as users run it: what it prints, and where it puts things."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import UP_READY, environment, run, wait_until_gone

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
