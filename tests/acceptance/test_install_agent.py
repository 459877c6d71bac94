"""A machine becomes an agent by the lines that the environment's page shows: typed here, in a fresh environment."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from mgmt_ansible.client import Client
from mgmt_ansible.quickstart.loopback import LoopbackHost, find_sshd
from mgmt_ansible.settings.client import load_connection
from mgmt_ansible.wire.api_v2 import HostCheck
from tests.acceptance.command_line import ROOT, Program, environment, read_json, run

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]

FRESH = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONPATH": ""}
"""Nothing but the control plane's own wheel may come over the network; what it needs is lent by this environment."""


class Shell(Program):
    """A typed line that stays in the foreground; the code is pasted into it."""

    def __init__(self, folder, line: str, code: str) -> None:
        self.log = folder / "typed.log"
        self._begin = 0
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment(), **FRESH},
                start_new_session=True,
            )
        self._process.stdin.write(f"{code}\n".encode())
        self._process.stdin.close()


def type_line(line: str, folder) -> str:
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False, env={**environment(), **FRESH}
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def by_this_python(line: str) -> str:
    """Return the first line with the Python of these tests; on a Debian without python3-venv by the virtualenv that made their own."""
    python = shlex.quote(sys.executable)
    if find_spec("ensurepip") is not None:
        return line.replace("python3", python, 1)
    carrier = shlex.quote(str(ROOT / ".cache" / "virtualenv"))
    return line.replace("python3 -m venv", f"PYTHONPATH={carrier} {python} -m virtualenv", 1)


def wait_for_checks(data: Path, environment_id: str) -> list[HostCheck]:
    """Return what the agent found when it looked at its hosts by itself."""
    connection = load_connection(data)
    deadline = time.monotonic() + 60
    with Client(connection.url, connection.token.get_secret_value()) as client:
        while not (found := list(client.environments.list_checks(environment_id))):
            assert time.monotonic() < deadline, "the agent told of no look"
            time.sleep(0.2)
    return found


@pytest.fixture
def host(tmp_path):
    """A private sshd."""
    with LoopbackHost(tmp_path / "sshd") as one:
        yield one


def test_three_lines_make_an_agent_that_works(tmp_path, host):
    """It comes up, claims a status action, and is known by its name; its token is seen by nobody."""
    data, place = tmp_path / "cp", tmp_path / "machine"
    place.mkdir()
    control_plane = Program(tmp_path / "output", "serve", "--data", data, "--port", "0")
    try:
        control_plane.wait_for("control_plane_started")
        read_json("--data", data, "environment", "create", "first")
        invitation = read_json("--data", data, "agent", "invite", "edge-1", "--environment", "first")
        make, install, enroll = invitation["commands"]

        type_line(by_this_python(make), place)
        folder = place / "mgmt-ansible-agent"
        packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
        for program in Path(sysconfig.get_path("scripts")).glob("ansible*"):
            (folder / "bin" / program.name).symlink_to(program)
        type_line(install, folder)
        assert (packages / "mgmt_ansible" / "content" / "playbooks").is_dir()

        more = ["--ansible-cfg", str(host.ansible_cfg), "--base-dir", str(tmp_path / "host")]
        typed = [str(host.inventory) if word == "/etc/ansible/hosts" else word for word in shlex.split(enroll)]
        agent = Shell(folder, shlex.join([*typed, *more]), invitation["code"])
        try:
            agent.wait_for("agent_started")
            done = run("--data", data, "environment", "status", "first", "--wait")
            checks = wait_for_checks(data, invitation["predictionEnvironmentId"])
        finally:
            agent.end()

        assert 0 == done.returncode, done.stdout + done.stderr
        assert ["edge-1"] == [one["name"] for one in read_json("--data", data, "agent", "list")]
        assert ["loopback"] == [one["name"] for one in read_json("--data", data, "host", "list")]
        (performed, *_) = read_json("--data", data, "run", "list")
        log = run("--data", data, "run", "log", performed["id"]).stdout
        assert ("successful", True) == (performed["status"], "TASK [" in log and "PLAY RECAP" in log), log
        assert [("loopback", False)] == [(one.host, one.failed) for one in checks]
        token = (folder / "agent.token").read_text().strip()
        assert [0o600, 0o600] == [(folder / name).stat().st_mode & 0o777 for name in ("agent.token", "agent.yaml")]
        assert token not in control_plane.output + agent.output
        assert invitation["code"] not in control_plane.output + agent.output
    finally:
        control_plane.end()
