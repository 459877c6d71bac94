"""`mgmt-ansible deployment tag` and `mgmt-ansible keyvalue`: what they ask and show."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import MOMENT, deployment, environment, page

WINE = {"GET deployments/wine/": deployment()}
TAG = {"id": "t1", "name": "owner", "value": "ann"}
TAGS = "deployments/wine/tags/"


def key_value(**fields: object) -> dict[str, object]:
    """A key-value as the API says it."""
    return {
        "id": "k1",
        "createdAt": MOMENT,
        "entityId": "wine",
        "entityType": "deployment",
        "name": "auc",
        "value": "0.9",
        "numericValue": 0.9,
        "booleanValue": None,
        "valueType": "numeric",
        "description": "",
        "creatorId": None,
        "creatorName": "ann",
        "category": "metric",
        **fields,
    }


def test_tags_are_listed(monkeypatch):
    """By label or id of the deployment."""
    terminal = open_terminal(monkeypatch, by_path(WINE | {f"GET {TAGS}": page(TAG)}))

    assert ["owner", "ann"] == terminal.run("deployment", "tag", "list", "wine").output.splitlines()[1].split()


def test_a_new_tag_is_added(monkeypatch):
    """With its value."""
    answers = WINE | {f"GET {TAGS}": page(TAG), f"POST {TAGS}": (201, {**TAG, "name": "team"})}
    terminal = open_terminal(monkeypatch, by_path(answers))

    done = terminal.run("deployment", "tag", "set", "wine", "team", "fraud")

    assert 0 == done.exit_code
    assert {"name": "team", "value": "fraud"} == json.loads(terminal.adapter.bodies[-1])


def test_a_known_tag_is_changed(monkeypatch):
    """Its name stays."""
    answers = WINE | {f"GET {TAGS}": page(TAG), f"PATCH {TAGS}t1/": {**TAG, "value": "bob"}}
    terminal = open_terminal(monkeypatch, by_path(answers))

    terminal.run("deployment", "tag", "set", "wine", "owner", "bob")

    assert {"value": "bob"} == json.loads(terminal.adapter.bodies[-1])


def test_a_tag_is_removed_by_its_name(monkeypatch):
    """One that is not there is not found, which has its own exit code."""
    answers = WINE | {f"GET {TAGS}": page(TAG), f"DELETE {TAGS}t1/": (204, None)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "removed" in terminal.run("deployment", "tag", "remove", "wine", "owner").output
    assert f"DELETE /api/v2/{TAGS}t1/" == terminal.asked[-1]
    assert 4 == terminal.run("deployment", "tag", "remove", "wine", "gone").exit_code


def test_key_values_of_a_thing_are_listed(monkeypatch):
    """The question names what it is."""
    terminal = open_terminal(monkeypatch, by_path(WINE | {"GET keyValues/": page(key_value())}))

    lines = terminal.run("keyvalue", "list", "--deployment", "wine", "--category", "metric").output.splitlines()

    assert ["auc", "0.9", "numeric", "metric"] == lines[1].split()[:4]
    asked = terminal.adapter.requests[-1].path_url
    assert all(part in asked for part in ("entityType=deployment", "entityId=wine", "category=metric"))


def test_a_new_key_value_is_a_tag_of_text_unless_more_is_said(monkeypatch):
    """Of an environment by its name."""
    answers = {
        "GET predictionEnvironments/": page(environment()),
        "GET keyValues/": page(),
        "POST keyValues/": (201, key_value()),
    }
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert 0 == terminal.run("keyvalue", "set", "site", "north", "--environment", "loopback").exit_code
    assert {
        "entityId": "e" * 24,
        "entityType": "predictionEnvironment",
        "name": "site",
        "category": "tag",
        "valueType": "string",
        "value": "north",
        "description": "",
    } == json.loads(terminal.adapter.bodies[-1])


def test_a_known_key_value_is_changed_in_part(monkeypatch):
    """What is not given is not sent."""
    answers = WINE | {"GET keyValues/": page(key_value()), "PATCH keyValues/k1/": key_value()}
    terminal = open_terminal(monkeypatch, by_path(answers))

    terminal.run("keyvalue", "set", "auc", "0.95", "--deployment", "wine")

    assert {"value": "0.95"} == json.loads(terminal.adapter.bodies[-1])


def test_a_key_value_is_removed_by_its_name(monkeypatch):
    """Of the thing that was named."""
    answers = WINE | {"GET keyValues/": page(key_value()), "DELETE keyValues/k1/": (204, None)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert 0 == terminal.run("keyvalue", "remove", "auc", "--deployment", "wine").exit_code
    assert "DELETE /api/v2/keyValues/k1/" == terminal.asked[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set", "x", "1"), "of what?"),
        (("set", "x", "1", "--deployment", "a", "--package", "b"), "give one of"),
        (("set", "x", "hunter2", "--deployment", "a", "--type", "credential"), "kept nowhere"),
    ],
)
def test_what_is_unclear_or_secret_is_refused_before_anything_is_asked(monkeypatch, arguments, message):
    """The message says what to give."""
    terminal = open_terminal(monkeypatch, by_path({}))

    done = terminal.run("keyvalue", *arguments)

    assert 2 == done.exit_code
    assert message in done.output
    assert [] == terminal.asked
