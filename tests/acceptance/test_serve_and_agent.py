"""`serve` and `agent` as an administrator runs them, without the quickstart."""

from __future__ import annotations

import signal

import pytest
import yaml

from mgmt_ansible.quickstart.loopback import LoopbackHost, find_sshd
from tests.acceptance.command_line import Program, read_json, run, wait_until_gone

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


@pytest.fixture
def control_plane(tmp_path):
    """A control plane on a free port."""
    program = Program(tmp_path / "output", "serve", "--data", tmp_path / "cp", "--port", "0")
    program.wait_for("control_plane_started")
    yield program
    program.end()


@pytest.fixture
def host(tmp_path):
    """A private sshd."""
    with LoopbackHost(tmp_path / "sshd") as one:
        yield one


@pytest.fixture
def agent(tmp_path, control_plane, host):
    """An agent that serves one environment."""
    data = tmp_path / "cp"
    environment = read_json("--data", data, "environment", "create", "first")
    token = run("--data", data, "agent", "token", "one", "--environment", "first").stdout
    (tmp_path / "agent.token").touch(mode=0o600)
    (tmp_path / "agent.token").write_text(token)
    bound = {
        "id": environment["id"],
        "inventory": str(host.inventory),
        "ansible_cfg": str(host.ansible_cfg),
        "base_dir": str(tmp_path / "host"),
        "boot_start": False,
        "supervision": "process",
    }
    place = yaml.safe_load((tmp_path / "cp" / "control-plane.json").read_text())["url"]
    config = {
        "control_plane": {"url": place, "token_file": "agent.token"},
        "data_dir": "agent",
        "environments": [bound],
    }
    (tmp_path / "agent.yaml").write_text(yaml.safe_dump(config))
    program = Program(tmp_path / "output", "agent", "--config", tmp_path / "agent.yaml")
    program.wait_for("agent_started")
    yield program
    program.end()


def test_a_status_goes_all_the_way(tmp_path, agent):
    """Asked for at the command line, run over SSH, shown as succeeded."""
    data = tmp_path / "cp"

    done = run("--data", data, "environment", "status", "first", "--wait")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["one"] == [one["name"] for one in read_json("--data", data, "agent", "list")]
    assert ["loopback"] == [one["name"] for one in read_json("--data", data, "host", "list")]


def test_both_end_on_sigterm(tmp_path, control_plane, agent):
    """An idle agent and a control plane with an open long-poll end at once, with 0."""
    assert 0 == agent.stop(signal.SIGTERM)
    assert 0 == control_plane.stop(signal.SIGTERM)
    assert not wait_until_gone(tmp_path / "cp")


def test_a_control_plane_that_is_gone_exits_with_5(tmp_path, control_plane):
    """Scripts can tell it from a refusal."""
    control_plane.stop()

    assert 5 == run("--data", tmp_path / "cp", "deployment", "list").returncode


def test_wrong_settings_exit_with_2(tmp_path):
    """The setting is named."""
    (tmp_path / "agent.yaml").write_text("control_plane: {url: nonsense}\n")

    done = run("agent", "--config", tmp_path / "agent.yaml")

    assert 2 == done.returncode
    assert "environments" in done.stderr
