"""`mgmt-ansible user` and `token`: passwords are typed or read, never arguments."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import MOMENT, page

ANN = {
    "id": "a" * 24,
    "name": "Ann",
    "role": "viewer",
    "predictionEnvironmentIds": [],
    "hasPassword": True,
    "disabled": False,
    "createdAt": MOMENT,
    "signedInAt": None,
}
TOKEN = {"id": "t" * 24, "name": "ci", "kind": "user", "predictionEnvironmentIds": [], "createdAt": MOMENT}
USERS = {"GET users/": page(ANN), f"PATCH users/{'a' * 24}/": ANN}


def test_a_password_is_the_first_line_of_a_file(monkeypatch, tmp_path):
    """Without its end."""
    (tmp_path / "secret").write_text("correct horse battery\nmore\n")
    terminal = open_terminal(monkeypatch, by_path({"POST users/": (201, ANN)}))

    done = terminal.run("user", "add", "Ann", "--role", "operator", "--password-file", str(tmp_path / "secret"))

    assert 0 == done.exit_code
    expected = {"name": "Ann", "role": "operator", "password": "correct horse battery", "predictionEnvironmentIds": []}
    assert expected == json.loads(terminal.adapter.bodies[-1])
    assert "horse" not in done.output


def test_without_a_terminal_a_file_is_needed(monkeypatch):
    """A usage error; nothing was asked."""
    terminal = open_terminal(monkeypatch, by_path({}))

    done = terminal.run("user", "add", "Ann")

    assert (2, []) == (done.exit_code, terminal.asked)
    assert "--password-file" in done.stderr


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    """Missing, or no text."""
    (tmp_path / "noise").write_bytes(b"\xff\xfe")
    terminal = open_terminal(monkeypatch, by_path(USERS))

    for name in ("gone", "noise"):
        done = terminal.run("user", "password", "ann", "--password-file", str(tmp_path / name))
        assert (2, True) == (done.exit_code, name in done.stderr)


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("disable", "ann"), {"disabled": True}),
        (("enable", "Ann"), {"disabled": False}),
        (("role", "a" * 24, "admin"), {"role": "admin"}),
    ],
)
def test_a_user_is_changed_by_name_or_id(monkeypatch, words, body):
    """Only what was said."""
    terminal = open_terminal(monkeypatch, by_path(USERS))

    assert 0 == terminal.run("user", *words).exit_code
    assert body == json.loads(terminal.adapter.bodies[-1])


def test_users_are_a_table(monkeypatch):
    """With what they may."""
    lines = open_terminal(monkeypatch, by_path(USERS)).run("user", "list").output.splitlines()

    assert ["Ann", "viewer", "yes", "no", "-", "a" * 24] == lines[1].split()


def test_a_token_of_a_user_is_printed_once(monkeypatch):
    """With the role that was asked for."""
    answers = {**USERS, "POST accessTokens/": (201, {**TOKEN, "token": "mga_text"})}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "mga_text\n" == terminal.run("token", "add", "ci", "--role", "operator", "--user", "ann").output
    sent = json.loads(terminal.adapter.bodies[-1])
    assert ("operator", "a" * 24, "user") == (sent["role"], sent["userId"], sent["kind"])


def test_a_token_is_revoked_by_its_name(monkeypatch):
    """Its text is not needed."""
    answers = {"GET accessTokens/": page(TOKEN), f"DELETE accessTokens/{'t' * 24}/": (204, None)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "token ci is revoked\n" == terminal.run("token", "revoke", "ci").output
    assert ["ci", "user", "-", "-"] == terminal.run("token", "list").output.splitlines()[1].split()[:4]
