"""`mgmt-ansible run log` and `agent enroll`: what they print, and what they refuse before anything is used up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mgmt_ansible import errors
from mgmt_ansible.cli import enrolling
from mgmt_ansible.settings.agent_files import AgentFile
from tests.unit.cli.terminal import by_path, open_terminal

RUN = "a" * 24
URL = "http://control-plane.test"


def log(*numbers: int, next_line: int | None = None, last: int = 9) -> dict:
    lines = [{"number": number, "text": f"line {number}\x1b[31m"} for number in numbers]
    return {"runId": RUN, "status": "running", "logLines": last, "lines": lines, "nextLine": next_line}


def test_a_log_says_what_is_missing(monkeypatch):
    """Between two lines, and at its end; nothing of it can move the cursor."""
    terminal = open_terminal(monkeypatch, by_path({f"GET runs/{RUN}/log/": (200, log(1, 2, 5))}))

    lines = terminal.run("run", "log", RUN).output.splitlines()

    end = "[4 lines lost: `run show` has the end]"
    assert ["line 1[31m", "line 2[31m", "[2 lines lost]", "line 5[31m", end] == lines


def test_a_log_as_json_is_an_object_a_line(monkeypatch):
    """For programs."""
    terminal = open_terminal(monkeypatch, by_path({f"GET runs/{RUN}/log/": (200, log(1, 3, last=3))}))

    told = [json.loads(line) for line in terminal.run("run", "log", RUN, "--json").output.splitlines()]

    assert [(1, None), (2, 1), (3, None)] == [(one["number"], one.get("lost")) for one in told]


def test_a_followed_log_ends_with_the_run(monkeypatch):
    """The stream says so."""
    stream = "".join(
        f"event: {name}\ndata: {json.dumps(value)}\n\n"
        for name, value in (("log", log(1, next_line=2)), ("log", log(2, next_line=3)), ("ended", log(last=2)))
    )
    terminal = open_terminal(monkeypatch, by_path({f"GET runs/{RUN}/log/stream/": (200, stream.encode())}))

    assert ["line 1[31m", "line 2[31m"] == terminal.run("run", "log", RUN, "--follow").output.splitlines()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").touch()
    return tmp_path


def enroll(terminal, *more: str):
    return terminal.run("agent", "enroll", URL, "--inventory", "hosts", *more)


def test_an_enrollment_writes_two_files_for_their_owner(folder, monkeypatch):
    """The token in one of its own; the name from the control plane stays a comment."""
    answer = {
        "agentName": "edge-1",
        "token": "mga_secret",
        "predictionEnvironmentId": "e" * 24,
        "predictionEnvironmentName": "evil\n  - id: x",
    }
    terminal = open_terminal(monkeypatch, lambda request: (201, answer))
    monkeypatch.setattr(enrolling, "_code", lambda: "the-code")

    assert 0 == enroll(terminal, "--become").exit_code
    assert [0o600, 0o600] == [(folder / name).stat().st_mode & 0o777 for name in ("agent.yaml", "agent.token")]
    (environment,) = yaml.safe_load((folder / "agent.yaml").read_text())["environments"]
    assert ("e" * 24, str(folder / "hosts"), True) == (
        environment["id"],
        environment["inventory"],
        environment["become"],
    )
    assert b"the-code" in terminal.adapter.bodies[0]


def test_what_is_wrong_is_refused_before_the_code_is_used(folder, monkeypatch):
    """A file that is there, an inventory that is not, no code at all."""
    terminal = open_terminal(monkeypatch, lambda request: pytest.fail("the code was used"))
    file = AgentFile(control_plane_url=URL, environment_id="", environment_name="", inventory=str(folder / "hosts"))

    for done, words in ((enroll(terminal, "--inventory", "nowhere"), "inventory: "), (enroll(terminal), "code: paste")):
        assert (2, True) == (done.exit_code, words in done.output)
    (folder / "agent.token").touch()
    with pytest.raises(errors.ConflictError, match=r"^agent.token is here already"):
        enrolling.enroll(file)
