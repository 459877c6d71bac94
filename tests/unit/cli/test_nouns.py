"""The other nouns: what they ask and show."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest

from mgmt_ansible.settings.agent import load_agent_settings
from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import (
    MOMENT,
    deployment_event,
    environment,
    package,
    page,
    server_sent,
)


def test_events_are_a_table_newest_first(monkeypatch):
    """At most as many as asked for."""
    feed = page(deployment_event(9), deployment_event(8), deployment_event(7))
    terminal = open_terminal(monkeypatch, by_path({"GET deploymentEvents/": feed}))

    lines = terminal.run("event", "list", "--limit", "2").output.splitlines()

    assert ["message 9", "message 8"] == [line[-9:] for line in lines[1:]]


def test_watching_shows_the_past_and_what_follows(monkeypatch):
    """Oldest first, then the stream, from the newest that was shown; it ends when the token is revoked."""
    answers = by_path({"GET deploymentEvents/": page(deployment_event(9), deployment_event(8))})
    streams = iter(
        [(200, server_sent(deployment_event(10))), (401, {"code": "access", "message": "m", "requestId": "r"})]
    )
    terminal = open_terminal(
        monkeypatch, lambda request: next(streams) if "stream" in request.url else answers(request)
    )

    done = terminal.run("event", "list", "--watch", "--json")

    assert [8, 9, 10] == [json.loads(line)["sequence"] for line in done.stdout.splitlines()]
    assert ["9", "10"] == [
        one.headers["Last-Event-ID"] for one in terminal.adapter.requests if "stream" in one.path_url
    ]


def test_a_package_name_with_versions_needs_one(monkeypatch):
    """The message names them."""
    terminal = open_terminal(
        monkeypatch, by_path({"GET modelPackages/": page(package(version="1"), package(version="2"))})
    )

    done = terminal.run("package", "show", "wine")

    assert 4 == done.exit_code
    assert "wine:1, wine:2" in done.stderr


def test_a_package_name_may_hold_a_colon(monkeypatch):
    """What is left of the last colon is tried as a name first, then the whole."""

    def answer(request):
        whole = "name=team%3Awine" in request.url and "version" not in request.url
        return 200, page(package(name="team:wine")) if whole else page()

    assert "team:wine" in open_terminal(monkeypatch, answer).run("package", "show", "team:wine").output


def test_an_archive_is_registered(monkeypatch, tmp_path):
    """The file goes up as it is."""
    (tmp_path / "package.zip").write_bytes(b"octets")
    terminal = open_terminal(monkeypatch, by_path({"POST modelPackages/": (201, package())}))

    done = terminal.run("package", "add", str(tmp_path / "package.zip"), "--name", "wine", "--version", "1")

    assert 0 == done.exit_code
    assert b"octets" == terminal.adapter.bodies[0]


def test_a_download_gets_a_safe_name(monkeypatch, tmp_path):
    """A package's name is no path."""
    monkeypatch.chdir(tmp_path)
    known = package(name="../../x", archiveBytes=6, archiveSha256=hashlib.sha256(b"octets").hexdigest())
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                f"GET modelPackages/{'a' * 24}/": known,
                f"GET modelPackages/{'a' * 24}/modelPackageFile/": (200, b"octets"),
            }
        ),
    )

    name = terminal.run("package", "download", "a" * 24).output.strip()

    assert b"octets" == (tmp_path / Path(name).name).read_bytes()


def test_hosts_name_their_environment(monkeypatch):
    """Ids mean nothing to people."""
    host = {"name": "web1", "groups": ["web"], "predictionEnvironmentId": "e" * 24, "takenAt": MOMENT}
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET predictionEnvironments/": page(environment()),
                f"GET predictionEnvironments/{'e' * 24}/hosts/": page(host),
            }
        ),
    )

    assert ["web1", "web", "loopback"] == terminal.run("host", "list").output.splitlines()[1].split()[:3]


def test_orphans_are_listed(monkeypatch):
    """Where they lie, and whether they run."""
    orphan = {"deploymentId": "lost", "host": "web1", "state": "running", "predictionEnvironmentId": "e" * 24}
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET predictionEnvironments/": page(environment()),
                f"GET predictionEnvironments/{'e' * 24}/orphans/": page({**orphan, "since": MOMENT}),
            }
        ),
    )

    done = terminal.run("environment", "orphans", "loopback")

    assert ["lost", "web1", "running"] == done.output.splitlines()[1].split()[:3]


MADE_TOKEN = {
    "id": "t",
    "name": "a1",
    "kind": "agent",
    "predictionEnvironmentIds": [],
    "createdAt": MOMENT,
    "token": "mga_x",
}


def make_token(monkeypatch, *before: str) -> str:
    answers = {"GET predictionEnvironments/": page(environment()), "POST accessTokens/": (201, MADE_TOKEN)}
    line = (*before, "agent", "token", "a1", "--environment", "loopback")
    return open_terminal(monkeypatch, by_path(answers)).run(*line).output


def test_a_token_is_printed_alone(monkeypatch):
    """So that it can go straight into a file."""
    assert "mga_x\n" == make_token(monkeypatch)


def test_a_token_is_json_when_that_was_asked_for_before_the_noun(monkeypatch):
    """As of every command."""
    assert "mga_x" == json.loads(make_token(monkeypatch, "--json"))["token"]


def test_the_example_configuration_loads(monkeypatch, tmp_path):
    """It is only an example if it works."""
    text = open_terminal(monkeypatch, by_path({})).run("agent", "example").output
    text = text.replace("/etc/ansible/hosts", "hosts").replace("/var/lib", str(tmp_path))
    (tmp_path / "hosts").write_text("localhost\n")
    (tmp_path / "agent.token").write_text("mga_x\n")
    (tmp_path / "agent.token").chmod(0o600)
    (tmp_path / "agent.yaml").write_text(text)

    assert ["0" * 24] == list(load_agent_settings(tmp_path / "agent.yaml").bindings)


def test_an_agent_without_configuration_says_what_to_do(monkeypatch):
    """The next step is in the message."""
    done = open_terminal(monkeypatch, by_path({})).run("agent")

    assert 2 == done.exit_code
    assert "mgmt-ansible agent example" in done.stderr


def test_login_prints_a_whole_url(monkeypatch):
    """It can be clicked."""
    link = {"path": "/login?code=x", "expiresAt": MOMENT}
    terminal = open_terminal(monkeypatch, by_path({"POST loginLinks/": (201, link)}))

    assert "http://control-plane.test/login?code=x\n" == terminal.run("login").output


@pytest.mark.parametrize("noun", ["environment", "deployment", "package", "run", "host", "agent"])
def test_an_empty_list_is_a_heading(monkeypatch, noun):
    """Nothing there is not an error."""
    empty = {
        f"GET {path}/": page() for path in ("predictionEnvironments", "deployments", "modelPackages", "runs", "agents")
    }

    done = open_terminal(monkeypatch, by_path(empty)).run(noun, "list")

    assert (0, 1) == (done.exit_code, len(done.output.splitlines()))


@pytest.mark.parametrize("url", ["postgresql://me:hunter2@db/x", "postgresql://db/x?user=me&password=hunter2"])
def test_a_database_password_is_refused_on_the_command_line(monkeypatch, url):
    """Everybody can read a command line; the message names the variable and not the password."""
    done = open_terminal(monkeypatch, by_path({})).run("serve", "--database", url)

    assert 2 == done.exit_code
    assert "MGMT_ANSIBLE_SERVE_DATABASE" in done.stderr
    assert "hunter2" not in done.stderr


def test_an_archive_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    """No traceback."""
    path = tmp_path / "package.zip"
    with socket.socket(socket.AF_UNIX) as unreadable:
        monkeypatch.chdir(tmp_path)
        unreadable.bind(path.name)
        done = open_terminal(monkeypatch, by_path({})).run(
            "package", "add", str(path), "--name", "wine", "--version", "1"
        )

    assert 2 == done.exit_code
    assert f"{path}: cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("noun", "path", "known"),
    [("environment", "predictionEnvironments", environment()), ("package", "modelPackages", package())],
)
def test_a_delete_answers_with_json(monkeypatch, noun, path, known):
    """A program reads what is gone."""
    answers = {
        f"GET {path}/": page(known),
        f"GET {path}/{known['id']}/": known,
        f"DELETE {path}/{known['id']}/": (204, b""),
    }
    done = open_terminal(monkeypatch, by_path(answers)).run(noun, "delete", known["id"], "--json")

    assert {"id": known["id"], "deleted": True} == json.loads(done.stdout)


def test_a_status_takes_a_timeout(monkeypatch):
    """Like every command that starts a run."""
    known = environment()
    answers = {
        "GET predictionEnvironments/": page(known),
        f"GET predictionEnvironments/{known['id']}/": known,
        f"POST predictionEnvironments/{known['id']}/actions/": (202, {"id": known["id"], "actionId": "a" * 24}),
    }
    terminal = open_terminal(monkeypatch, by_path(answers))

    terminal.run("environment", "status", known["id"], "--timeout", "7")

    assert 7 == json.loads(terminal.adapter.bodies[-1])["timeoutSeconds"]


def test_an_environment_is_handed_to_its_owners(monkeypatch):
    """Only what was given is sent."""
    answers = {
        "GET predictionEnvironments/": page(environment()),
        f"PATCH predictionEnvironments/{environment()['id']}/": environment(isManagedByManagementAgent=False),
    }
    terminal = open_terminal(monkeypatch, by_path(answers))

    done = terminal.run("environment", "change", environment()["name"], "--self-managed")

    assert {"isManagedByManagementAgent": False} == json.loads(terminal.adapter.requests[-1].body)
    assert "no agent acts" in done.output


MODEL_ID = "d" * 24


def registered_model(*aliases: dict) -> dict:
    return {
        "id": MODEL_ID,
        "name": "wine",
        "description": "",
        "createdAt": MOMENT,
        "createdBy": "ann",
        "modifiedAt": MOMENT,
        "modifiedBy": "ann",
        "lastVersionNum": 1,
        "versionCount": 1,
        "target": {},
        "aliases": list(aliases),
    }


def champion() -> dict:
    return {
        "alias": "champion",
        "modelPackageId": package()["id"],
        "registeredModelVersion": 1,
        "version": "1",
        "setBy": "ann",
        "setAt": MOMENT,
    }


def test_an_alias_is_set_shown_and_deleted(monkeypatch):
    """Of the package's own name."""
    base = f"registeredModels/{MODEL_ID}/aliases/champion/"
    answers = {
        "GET modelPackages/": page(package(name="wine", registeredModelId=MODEL_ID)),
        "GET registeredModels/": page(registered_model(champion())),
        f"PUT {base}": champion(),
        f"DELETE {base}": (204, b""),
    }
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "wine@champion is wine:" in terminal.run("package", "alias", "wine", "champion").output
    assert "champion" in terminal.run("package", "aliases").output
    assert "wine@champion is deleted" in terminal.run("package", "unalias", "wine@champion").output
    assert f"DELETE /api/v2/{base}" == terminal.asked[-1]


def test_a_package_is_named_by_its_alias(monkeypatch):
    """Wherever a package is asked for; a name with an @ that is no alias is tried as a name."""
    answers = {
        "GET registeredModels/": page(registered_model(champion())),
        f"GET registeredModels/{MODEL_ID}/aliases/champion/": champion(),
        f"GET modelPackages/{package()['id']}/": package(name="wine"),
        "GET modelPackages/": page(package(name="a@b")),
    }
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "wine" in terminal.run("package", "show", "wine@champion").output
    assert "a@b" in terminal.run("package", "show", "a@b").output


@pytest.mark.parametrize(
    ("noun", "path"),
    [
        ("deployment", "deployments/"),
        ("run", "runs/"),
        ("package", "modelPackages/"),
        ("environment", "predictionEnvironments/"),
        ("host", "predictionEnvironments/"),
        ("agent", "agents/"),
    ],
)
def test_every_list_can_be_watched(monkeypatch, noun, path):
    """It is asked for again, also while the control plane is away, until it refuses; what is the same is not said twice."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    away = (503, {"code": "store_unavailable", "message": "m", "requestId": "r"})
    refused = (401, {"code": "access", "message": "m", "requestId": "r"})
    answers = iter([(200, page()), (200, page()), away, (200, page()), refused])
    terminal = open_terminal(monkeypatch, lambda request: next(answers))

    done = terminal.run(noun, "list", "--watch", "--json")

    assert (["GET /api/v2/" + path] * 5, "[]\n") == (terminal.asked, done.stdout)
    assert 1 == done.stderr.count("asking again")


def test_saved_views_are_listed_kept_and_forgotten_by_name(monkeypatch):
    """Their addresses can be opened."""
    view = {
        **{"id": "v1", "page": "events", "name": "Failed", "query": "health=failing"},
        **{"address": "/events?health=failing", "createdAt": MOMENT, "updatedAt": MOMENT},
    }
    answers = {
        "GET savedViews/": page(view),
        "POST savedViews/": (201, view),
        "DELETE savedViews/v1/": (204, b""),
    }
    terminal = open_terminal(monkeypatch, by_path(answers))

    listed = terminal.run("view", "list")
    saved = terminal.run("view", "save", "Failed", "--page", "events", "--query", "health=failing")
    forgotten = terminal.run("view", "forget", "Failed", "--page", "events")
    unknown = terminal.run("view", "forget", "Else", "--page", "events")

    assert ["events", "Failed", "/events?health=failing"] == listed.output.splitlines()[1].split()
    assert {"page": "events", "name": "Failed", "query": "health=failing"} == json.loads(terminal.adapter.bodies[1])
    assert "/events?health=failing" in saved.output
    assert (0, 4) == (forgotten.exit_code, unknown.exit_code)
