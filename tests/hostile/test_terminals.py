"""Hostile text in every field that a control plane, an agent or a host fills: no command lets it play with a terminal."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
import requests
from pydantic import TypeAdapter

from mgmt_ansible import bootstrap
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Identity, Outcome, Step
from mgmt_ansible.domain.preflight import CheckName, HostReport, complete, failed, warning
from mgmt_ansible.execution.host_keys import HostKey
from mgmt_ansible.execution.host_trust import ShownKeys
from tests.hostile.texts import controls, without_surrogates
from tests.unit.cli.terminal import Terminal, open_terminal
from tests.unit.client import scripted_answers as answers

ESCAPES = (
    "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[8m\x1bPq\x1b\\\x9b31m\x9d0;t\x9c\x7f\x85\x00a\x08\x08c\rover\nnew line\tx"
    "\u061c\u200e\u200f\u2028\u2029\u202a\u202btxt.exe\u202c\u2066\u2069[bold]x[/bold]"
)
ALL = " ".join(without_surrogates()) + ESCAPES
CLOSED = {
    "status",
    "statusType",
    "type",
    "state",
    "health",
    "outcome",
    "cause",
    "url",
    "archiveSha256",
    "next",
    "healths",
}
OWN_ESCAPES = re.compile(r"\x1b\[(?:0|1|32|33|90|1;31)m|\r\x1b\[K")
"""What rich writes for a heading and a health, and the erased line of a progress."""

DEPLOYMENT, ENVIRONMENT, PACKAGE = "wine", "e" * 24, "a" * 24
LAUNCH = ("deployment", "launch", "Wine", "--package", PACKAGE, "--environment", ENVIRONMENT)
COMMANDS = {
    "environment": [
        ("list",), ("show", ENVIRONMENT), ("create", "x"), ("status", ENVIRONMENT, "--wait"), ("delete", ENVIRONMENT)
    ],
    "package": [("list",), ("show", PACKAGE), ("add", "package.zip", "--name", "n", "--version", "1"), ("delete", PACKAGE)],
    "deployment": [
        ("list",), ("show", DEPLOYMENT), LAUNCH[1:], (*LAUNCH[1:], "--wait"), ("cancel", DEPLOYMENT),
        ("replace", DEPLOYMENT, "--package", PACKAGE, "--wait"), ("stop", DEPLOYMENT), ("relaunch", DEPLOYMENT, "--wait"),
        ("status", DEPLOYMENT, "--wait"), ("delete", DEPLOYMENT), ("delete", DEPLOYMENT, "--at-once"),
    ],
    "event": [("list",), ("list", "--watch"), ("list", "--deployment", DEPLOYMENT)],
    "run": [("list",), ("show", "r1")],
    "host": [("list",), ("list", "--environment", ENVIRONMENT)],
    "agent": [("list",), ("token", "a1", "--environment", ENVIRONMENT)],
    "retention": [
        ("list",), ("set", "x", "--keep-days", "1", "--type", "t"), ("delete", "b" * 24), ("preview",), ("prune",), ("holds",),
        ("hold", "--deployment", DEPLOYMENT, "--reason", "r"), ("release", "c"),
    ],
    "login": [()],
}  # fmt: skip
LINES = [(noun, *arguments) for noun, lines in COMMANDS.items() for arguments in lines]
MODES = ["plain", "json", "terminal"]


def hostile(value: object, text: str, key: str = "") -> object:
    """A JSON value whose every free text is the hostile one; closed words, times and what must match stay."""
    if isinstance(value, dict):
        return {name: hostile(inner, text, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner, text, key) for inner in value]
    return text if isinstance(value, str) and key not in CLOSED and value != answers.MOMENT else value


def host_outcome(text: str) -> dict[str, object]:
    """What a host said, whose address is as hostile as the rest."""
    outcome = HostOutcome(
        host=text,
        outcome=Outcome.FAILED,
        cause=Cause.NOT_READY,
        message=text,
        evidence=(Evidence(kind=text, text=f"{text}\n{text}"),),
        steps=(Step(name=text, seconds=1.0),),
        notes=(text,),
        identity=Identity(digest=text, generation=1, slot=text, port=1, pid=1, start_time=1, url=text),
    )
    return TypeAdapter(HostOutcome).dump_python(outcome, mode="json")


class HostileControlPlane:
    """Answers every route in its right shape, with the text in every free field."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._streams = 0

    def __call__(self, request):
        parts = request.path_url.partition("?")[0].removeprefix("/api/v2/").strip("/").split("/")
        if parts[-1] == "stream":
            return self._stream()
        if request.method == "GET":
            return 200, self._of(parts)
        if request.method == "DELETE" and "ignoreManagementAgent=true" in request.url:
            return 204, None
        made = {
            "POST predictionEnvironments": self._environment(),
            "POST modelPackages": self._package(),
            "POST accessTokens": {**self._token(), "token": self._text},
            "POST loginLinks": {"path": self._text, "expiresAt": answers.MOMENT},
            "POST retentionPolicies": self._made(answers.retention_policy(labels=["l"], types=["t"])),
            "POST legalHolds": self._made(answers.legal_hold()),
            "POST retention/prune": self._made(answers.retention_report(pruned=True)),
        }.get(f"{request.method} {'/'.join(parts)}")
        if made is not None:
            return 201, made
        if request.method == "DELETE" and parts[0] != "deployments":
            return 204, None
        return 202, {"id": self._text, "actionId": self._text}

    def _of(self, parts: list[str]) -> object:
        noun = "hosts" if parts[-1] == "hosts" else parts[0]
        one = {
            "predictionEnvironments": self._environment,
            "modelPackages": self._package,
            "deployments": self._deployment,
            "deploymentEvents": self._deployment_event,
            "runs": self._run,
            "hosts": lambda: self._made(
                {"name": "h", "groups": ["g"], "predictionEnvironmentId": "e", "takenAt": answers.MOMENT}
            ),
            "agents": self._agent,
            "actions": self._action,
            "retentionPolicies": lambda: {**self._made(answers.retention_policy(labels=["l"])), "id": "b" * 24},
            "legalHolds": lambda: self._made(answers.legal_hold()),
            "retention": lambda: self._made(answers.retention_report()),
        }[noun]()
        return one if noun != "hosts" and len(parts) > 1 else answers.page(one)

    def _stream(self):
        self._streams += 1
        if self._streams == 1:
            return 200, answers.server_sent(self._deployment_event())
        return 401, {"code": "access", "message": self._text, "requestId": self._text}

    def _made(self, value: dict[str, object]) -> dict[str, object]:
        return hostile(value, self._text)

    def _deployment_event(self):
        return {**self._made(answers.deployment_event(1, host="h", data={"k": "v"})), "type": self._text}

    def _environment(self):
        return self._made(answers.environment(description="d", health=self._health()))

    def _package(self):
        return self._made(answers.package(archiveBytes=6, archiveSha256=hashlib.sha256(b"octets").hexdigest()))

    def _deployment(self):
        endpoint = {"host": "h", "url": "u", "port": 1, "digest": "d", "generation": 1, "pid": 1}
        current = {"id": "c", "type": "deployment_launch", "status": "running"}
        known = answers.deployment(description="d", serviceHealth=self._health(), currentAction=current)
        made = self._made({**known, "endpoints": [endpoint]})
        made["endpoints"][0]["url"] = made["predictionUrl"] = self._text
        return made

    def _action(self):
        made = self._made(
            answers.action(status="failed", cause="not_ready", finishedAt=answers.MOMENT, message="m", progress="p")
        )
        return {**made, "hosts": [host_outcome(self._text)]}

    def _run(self):
        known = {
            "id": "r", "actionId": "a", "predictionEnvironmentId": "e", "deploymentId": "d", "attempt": 1, "wave": 0,
            "playbook": "p", "requestHash": "h", "status": "failed", "message": "m", "startedAt": answers.MOMENT,
            "endedAt": answers.MOMENT, "ansibleVersion": "v", "logTail": "l",
        }  # fmt: skip
        return {**self._made(known), "hosts": [host_outcome(self._text)]}

    def _agent(self):
        moments = {"firstSeenAt": answers.MOMENT, "lastSeenAt": answers.MOMENT}
        return self._made({"name": "n", "instanceId": "i", "version": "v", "environmentIds": ["e"], **moments})

    def _token(self):
        known = {
            "id": "t",
            "name": "n",
            "kind": "agent",
            "predictionEnvironmentIds": ["e"],
            "createdAt": answers.MOMENT,
        }
        return self._made(known)

    def _health(self):
        return {"status": "failing", "message": self._text}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """How the answer is printed; on a terminal what is captured says that it is one."""
    if request.param == "terminal":
        monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    (tmp_path / "package.zip").write_bytes(b"octets")
    monkeypatch.chdir(tmp_path)
    return request.param


def run_harmlessly(terminal: Terminal, mode: str, line: tuple[str, ...]):
    """Run a command line; nothing of what it printed is more than text, and JSON is JSON."""
    done = terminal.run(*line, *(["--json"] if mode == "json" else []))
    for printed in (done.stdout, done.stderr):
        assert [] == controls(OWN_ESCAPES.sub("", printed) if mode == "terminal" else printed), line
    if mode == "json" and done.stdout and "--watch" not in line:
        json.loads(done.stdout)
    return done


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_every_answer_is_harmless(monkeypatch, mode: str, line: tuple[str, ...]):
    """Of every noun, as a table, on a terminal and as JSON; it is printed, and not left out."""
    done = run_harmlessly(open_terminal(monkeypatch, HostileControlPlane(ALL)), mode, line)

    assert done.exit_code in (0, 1) or "--watch" in line
    assert "" != done.stdout


OF_A_SHAPE = {
    "another shape": (200, {ESCAPES: ESCAPES, "data": [{ESCAPES: ESCAPES}], "id": [ESCAPES]}),
    "half characters": (200, b'{"id": "\\ud800", "data": [{"id": "\\udc9b31m"}]}'),
    "a problem": (422, {"code": ALL, "message": ALL, "requestId": ALL}),
}
"""Answers that each noun reads by itself."""
OF_NONE = {
    "an unknown problem": (418, {"code": ESCAPES, "message": ESCAPES, "requestId": ESCAPES}),
    "a proxy's page": (503, ALL.encode()),
    "no JSON": (200, ALL.encode()),
    "no UTF-8": (200, b'{"id": "\xff\x9b31m"}'),
    "a redirect": (302, b"", {"Location": "http://elsewhere.test/\x1b]0;title\x07"}),
    "a redirect that is not UTF-8": (302, b"", {"Location": "http://elsewhere.test/\x9b31m"}),
    "no connection": requests.ConnectionError(ESCAPES),
}
"""Answers that the one client refuses for all of them."""
BROKEN = [
    *((noun, name) for noun in COMMANDS for name in OF_A_SHAPE),
    *(("environment", name) for name in OF_NONE),
]


@pytest.mark.parametrize(("noun", "name"), BROKEN, ids=": ".join)
def test_every_error_is_harmless(monkeypatch, noun: str, name: str):
    """Whatever answers instead of a control plane; it is one sentence and never a traceback."""
    line, broken = (noun, *COMMANDS[noun][0]), {**OF_A_SHAPE, **OF_NONE}[name]

    done = run_harmlessly(open_terminal(monkeypatch, lambda request: broken), "plain", line)

    assert 0 != done.exit_code
    assert done.stderr.startswith("mgmt-ansible: ")


@pytest.mark.parametrize("noun", ["environment", "package", "deployment"])
def test_names_that_mean_several_things_are_harmless(monkeypatch, mode: str, noun: str):
    """The message names what was typed and what was found."""
    made = {
        "environment": answers.environment(id=ESCAPES, name=ESCAPES),
        "package": answers.package(name=ESCAPES, version=ESCAPES),
        "deployment": answers.deployment(id=ESCAPES, label=ESCAPES),
    }[noun]
    terminal = open_terminal(monkeypatch, lambda request: (200, answers.page(made, made)))

    assert 4 == run_harmlessly(terminal, mode, (noun, "delete", ESCAPES)).exit_code


class ScriptedPreflight:
    """Hosts whose inventory, banner, keys and programs are hostile."""

    def check(self, hosts, *, package_bytes, seconds, tell):
        found = (
            warning(CheckName.SSH, ESCAPES, ESCAPES, ESCAPES, kind=ESCAPES),
            failed(CheckName.REACHABLE, Cause.UNREACHABLE, ESCAPES, ALL, ESCAPES),
        )
        report = HostReport(environment_id=ENVIRONMENT, host=ESCAPES, checks=complete(found, ESCAPES))
        tell(report, 1)
        return (report,)

    def ssh_options(self, host):
        return None

    def look_at_keys(self, host, ssh):
        return ShownKeys(host=ESCAPES, keys=(HostKey(kind=ESCAPES, blob=b"x"),), known=(), path=Path(f"/{ESCAPES}"))


@pytest.fixture
def preflight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An agent's configuration, and hosts that are looked at by a script."""
    monkeypatch.setattr(bootstrap, "open_preflight", lambda settings, environment: ScriptedPreflight())
    (tmp_path / "hosts").write_text("localhost\n")
    (tmp_path / "agent.token").write_text("mga_x\n")
    (tmp_path / "agent.token").chmod(0o600)
    plane = {"url": "http://127.0.0.1:1", "token_file": "agent.token"}
    bound = [{"id": ENVIRONMENT, "inventory": str(tmp_path / "hosts"), "pattern": "all"}]
    made = {"control_plane": plane, "data_dir": str(tmp_path / "data"), "environments": bound}
    (tmp_path / "agent.yaml").write_text(json.dumps(made))
    return tmp_path / "agent.yaml"


@pytest.mark.parametrize("line", [("check",), ("check", "--all"), ("check", ENVIRONMENT, ESCAPES)])
def test_what_a_look_at_hosts_found_is_harmless(monkeypatch, mode: str, preflight: Path, line: tuple[str, ...]):
    """Names, messages, evidence and next commands."""
    terminal = open_terminal(monkeypatch, HostileControlPlane(ESCAPES))

    assert 1 == run_harmlessly(terminal, mode, ("host", *line, "--agent-config", str(preflight))).exit_code


@pytest.mark.parametrize("more", [(), ("--fingerprint", "SHA256:other")])
def test_what_a_host_shows_before_it_is_trusted_is_harmless(monkeypatch, mode: str, preflight: Path, more):
    """Its name, the kind of its key, and the file."""
    terminal = open_terminal(monkeypatch, HostileControlPlane(ESCAPES))
    line = ("host", "trust", ENVIRONMENT, ESCAPES, "--agent-config", str(preflight), *more)

    assert 0 != run_harmlessly(terminal, mode, line).exit_code


def test_a_download_says_harmlessly_where_it_went(monkeypatch, tmp_path):
    """The name is made of the package's."""
    monkeypatch.chdir(tmp_path)
    plane = HostileControlPlane(ESCAPES)
    terminal = open_terminal(
        monkeypatch, lambda request: (200, b"octets") if "modelPackageFile" in request.url else plane(request)
    )

    done = run_harmlessly(terminal, "plain", ("package", "download", PACKAGE))

    assert (0, b"octets") == (done.exit_code, (tmp_path / done.stdout.strip()).read_bytes())
