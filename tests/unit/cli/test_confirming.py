"""Before something important is ended or replaced, its id is typed, or given."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import deployment, package, page

ACCEPTED = (202, {"id": "wine", "actionId": "c" * 24})


def open_risk(monkeypatch, **changes: object):
    answers = {
        "GET deployments/wine/": deployment(**({"importance": "CRITICAL"} | changes)),
        "GET modelPackages/": page(package()),
        "POST deployments/wine/actions/": ACCEPTED,
        "PATCH deployments/wine/model/": ACCEPTED,
        "DELETE deployments/wine/": ACCEPTED,
    }
    return open_terminal(monkeypatch, by_path(answers))


def changes_of(terminal) -> list[str]:
    return [one for one in terminal.asked if not one.startswith("GET")]


VERBS = [("stop", "wine"), ("delete", "wine"), ("replace", "wine", "--package", "wine:1")]


@pytest.mark.parametrize("line", VERBS, ids=lambda line: line[0])
def test_nothing_happens_without_the_word(monkeypatch, line):
    """Nobody is there to type it, so the message has what to add."""
    terminal = open_risk(monkeypatch)

    done = terminal.run("deployment", *line)

    assert (2, []) == (done.exit_code, changes_of(terminal))
    assert "critical importance" in done.stderr
    assert "--confirm wine" in done.stderr


@pytest.mark.parametrize("line", VERBS, ids=lambda line: line[0])
def test_a_script_gives_the_word(monkeypatch, line):
    """Another deployment's id is no word for this one."""
    terminal = open_risk(monkeypatch)

    assert 2 == terminal.run("deployment", *line, "--confirm", "churn").exit_code
    assert 0 == terminal.run("deployment", *line, "--confirm", "wine").exit_code
    assert 1 == len(changes_of(terminal))


def test_people_type_it(monkeypatch):
    """On a terminal they are asked."""
    terminal = open_risk(monkeypatch)
    monkeypatch.setattr("mgmt_ansible.cli.confirming._somebody_is_there", lambda: True)

    assert 2 == terminal.run("deployment", "stop", "wine", typed="wien\n").exit_code
    assert 0 == terminal.run("deployment", "stop", "wine", typed="wine\n").exit_code
    assert 1 == len(changes_of(terminal))


def test_a_dry_run_asks_nothing(monkeypatch):
    """It changes nothing."""
    terminal = open_risk(monkeypatch)

    done = terminal.run("deployment", "stop", "wine", "--dry-run")

    assert "critical importance" not in done.stderr
    assert [True] == [json.loads(body)["dryRun"] for body in terminal.adapter.bodies if body]


def test_what_matters_less_is_stopped_without_a_word(monkeypatch):
    """As before."""
    assert 0 == open_risk(monkeypatch, importance="LOW").run("deployment", "stop", "wine").exit_code
