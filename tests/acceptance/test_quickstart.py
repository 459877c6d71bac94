"""`up` and `demo` as users run them."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import (
    SCRIPT,
    START_SECONDS,
    Program,
    environment,
    list_processes_of,
    read_json,
    run,
    wait_until_gone,
)

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]

WATCHED = "deployment_launch_succeeded"
PRINTED = re.compile(r"^  (\S+mgmt-ansible --data .*)$", re.MULTILINE)
READY = "Ctrl-C stops all of it"


@pytest.fixture(scope="module")
def data():
    """One data folder for all tests of `up`: the runtime environment on the host is built once."""
    with tempfile.TemporaryDirectory(prefix="mgmt-ansible-test-") as folder:
        yield Path(folder)


@pytest.fixture
def up(data):
    """Starts `up` on the shared folder; it is gone afterwards."""
    started = []

    def start(*arguments):
        program = Program(data / "output", "up", "--data", data, *arguments)
        started.append(program)
        return program

    yield start
    for program in started:
        program.end()


def test_the_demo_proves_itself():
    """Its last line is the verdict; nothing of it is left."""
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [SCRIPT, "demo"],
            capture_output=True,
            text=True,
            env={**environment(), "TMPDIR": scratch},
            timeout=START_SECONDS,
            check=False,
        )

        assert re.fullmatch(r"demo: ok in \d+ s", done.stdout.splitlines()[-1]), done.stdout + done.stderr
        assert 0 == done.returncode
        assert [] == [path.name for path in Path(scratch).iterdir()]
        assert [] == wait_until_gone(Path(scratch))


def test_every_printed_command_works_and_ctrl_c_leaves_nothing(up, data):
    """Pasted into another terminal, as printed; then everything stops, and only files stay."""
    program = up()
    program.wait_for(READY)
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


def test_the_next_up_launches_again_what_was_wanted(up, data):
    """As a new generation, and only what was wanted: what was stopped stays stopped."""
    first = up()
    first.wait_for(READY)
    _make_ready(data)
    before = read_json("--data", data, "deployment", "show", "wine")
    first.stop()

    second = up()
    second.wait_for(READY)
    after = read_json("--data", data, "deployment", "show", "wine")

    assert ("ready", "ready") == (before["state"], after["state"])
    assert after["generation"] == before["generation"] + 1
    assert 0 == second.stop(signal.SIGTERM)
    assert [] == wait_until_gone(data)


def test_a_second_up_on_the_same_folder_is_refused(up, data):
    """It names the first one and changes nothing; taken ports are stepped around."""
    first = up()
    first.wait_for(READY)

    second = run("up", "--data", data)

    assert 1 == second.returncode
    assert f"in use by process {first.pid}" in second.stderr
    assert 0 == first.stop()


def test_what_a_killed_up_left_is_cleaned_by_the_next(up, data):
    """Nothing can stop its children when it is killed; their marks can."""
    killed = up()
    killed.wait_for(READY)
    killed.stop(signal.SIGKILL)
    left = set(_pids_of(data))

    program = up()
    program.wait_for(READY)
    again = set(_pids_of(data))
    program.stop()

    assert left
    assert set() == left & again
    assert [] == wait_until_gone(data)


def test_a_signal_in_the_middle_of_a_launch_leaves_nothing(up, data):
    """Whatever is under way on the host is stopped too."""
    first = up()
    first.wait_for(READY)
    _make_ready(data)
    first.stop()

    program = up()
    program.wait_for(r"launched again, as a new generation: \D")

    assert 0 == program.stop(signal.SIGTERM)
    assert [] == wait_until_gone(data)


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


def _make_ready(data: Path) -> None:
    """Launch the deployment again if another test has stopped it."""
    if read_json("--data", data, "deployment", "show", "wine")["state"] != "ready":
        done = run("--data", data, "deployment", "relaunch", "wine", "--wait")
        assert 0 == done.returncode, done.stdout + done.stderr


def _pids_of(folder: Path) -> list[int]:
    return [pid for pid, _ in list_processes_of(folder)]


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
