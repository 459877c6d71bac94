"""Exit codes: one for each error of the tree, one for each end of an action."""

from __future__ import annotations

import pytest
import requests

from mgmt_ansible import errors
from mgmt_ansible.cli import exit_codes
from mgmt_ansible.domain.actions import FINAL
from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import action, deployment

ACTION = "c" * 24
ACCEPTED = (202, {"id": "wine", "actionId": ACTION})


def _codes(kind=errors.MgmtAnsibleError):
    yield kind.code
    for below in kind.__subclasses__():
        yield from _codes(below)


def test_every_error_has_an_exit_code():
    """A new error without one fails here."""
    assert set(_codes()) == set(exit_codes.BY_ERROR)


def test_every_end_of_an_action_has_an_exit_code():
    """A new final status without one fails here."""
    assert set(FINAL) == set(exit_codes.BY_STATUS)


@pytest.mark.parametrize(
    ("status", "expected"), [("succeeded", 0), ("failed", 1), ("canceled", 1), ("unknown", 3), ("superseded", 4)]
)
def test_waiting_exits_with_what_became_of_it(monkeypatch, status, expected):
    """Scripts can tell done, failed and unknown."""
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET deployments/wine/": deployment(),
                "POST deployments/wine/actions/": ACCEPTED,
                f"GET actions/{ACTION}/": action(status=status),
            }
        ),
    )

    assert expected == terminal.run("deployment", "stop", "wine", "--wait").exit_code


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((401, {"code": "access", "message": "m", "requestId": "r"}), 2),
        ((422, {"code": "invalid_request", "message": "m", "requestId": "r"}), 2),
        ((404, {"code": "not_found", "message": "m", "requestId": "r"}), 4),
        ((409, {"code": "transition", "message": "m", "requestId": "r"}), 4),
        ((500, {"code": "internal", "message": "m", "requestId": "r"}), 1),
        ((503, {"code": "store_unavailable", "message": "m", "requestId": "r"}), 5),
        (requests.exceptions.ConnectionError("refused"), 5),
    ],
)
def test_errors_exit_with_their_code(monkeypatch, answer, expected):
    """The sentence is on standard error, the code in the exit."""
    terminal = open_terminal(monkeypatch, lambda request: answer)

    done = terminal.run("environment", "list")

    assert expected == done.exit_code
    assert done.stderr.startswith("mgmt-ansible: ")


@pytest.mark.parametrize(
    "arguments", [("deployment", "launch"), ("deployment", "fly"), ("event", "list", "--health", "pink"), ("nonsense",)]
)
def test_wrong_usage_exits_with_2(monkeypatch, arguments):
    """Nothing is asked of the control plane."""
    terminal = open_terminal(monkeypatch, by_path({}))

    assert 2 == terminal.run(*arguments).exit_code
    assert [] == terminal.asked
