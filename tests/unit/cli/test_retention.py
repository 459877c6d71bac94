"""`mgmt-ansible retention`: what it asks and shows."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import (
    deployment,
    environment,
    legal_hold,
    page,
    retention_policy,
    retention_report,
)

DEFAULT = retention_policy(id="default", name="default", keepDays=90, healths=[])
ENVIRONMENT = {"GET predictionEnvironments/": page(environment())}


def test_policies_say_what_they_are_for(monkeypatch):
    """`default` is for all else."""
    known = retention_policy(labels=["Wine"], categories=["health", "launch"])
    terminal = open_terminal(monkeypatch, by_path({"GET retentionPolicies/": page(DEFAULT, known)}))

    lines = terminal.run("retention", "list").output.splitlines()

    assert ["default", "90", "all else"] == [part.strip() for part in lines[1].split("  ") if part][:3]
    assert "label Wine; category health or launch; health failing" in lines[2]


def test_a_new_name_makes_a_policy(monkeypatch):
    """With what is given; an environment by its name."""
    answers = {"GET retentionPolicies/": page(DEFAULT), "POST retentionPolicies/": (201, retention_policy())}
    terminal = open_terminal(monkeypatch, by_path(answers | ENVIRONMENT))

    done = terminal.run(
        "retention", "set", "incidents", "--keep-days", "365", "--environment", "loopback", "--health", "failing",
        "--label", "Wine", "--label", "Beer",
    )  # fmt: skip

    assert 0 == done.exit_code
    assert {
        "name": "incidents",
        "keepDays": 365,
        "predictionEnvironmentId": "e" * 24,
        "labels": ["Wine", "Beer"],
        "types": [],
        "categories": [],
        "healths": ["failing"],
    } == json.loads(terminal.adapter.bodies[-1])


def test_a_known_name_changes_it_in_part(monkeypatch):
    """What is not given is not sent."""
    answers = {"GET retentionPolicies/": page(DEFAULT), "PATCH retentionPolicies/default/": DEFAULT}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert 0 == terminal.run("retention", "set", "default", "--keep-days", "30").exit_code
    assert {"keepDays": 30} == json.loads(terminal.adapter.bodies[-1])


def test_a_new_policy_needs_days(monkeypatch):
    """A usage error, which names the field."""
    terminal = open_terminal(monkeypatch, by_path({"GET retentionPolicies/": page(DEFAULT)}))

    done = terminal.run("retention", "set", "p", "--type", "t")

    assert (2, True) == (done.exit_code, "keepDays" in done.stderr)


def test_a_policy_is_deleted_by_its_name(monkeypatch):
    """An unknown one is told."""
    answers = {"GET retentionPolicies/": page(retention_policy()), f"DELETE retentionPolicies/{'b' * 24}/": (204, None)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert {"id": "b" * 24, "deleted": True} == json.loads(
        terminal.run("retention", "delete", "incidents", "--json").output
    )
    assert 4 == terminal.run("retention", "delete", "nothing").exit_code


def test_a_preview_says_what_would_go_and_what_saves_the_rest(monkeypatch):
    """By policy, by protection and by environment."""
    report = retention_report(protections=[{"name": "legal_hold", "entries": 7, "runs": 1}])
    terminal = open_terminal(monkeypatch, by_path({"GET retention/preview/": report}))

    lines = terminal.run("retention", "preview").output.splitlines()

    assert "would go  5 entries, 2 runs" == lines[0]
    assert ["policy default 5 2", "saved by legal_hold 7 1"] == [
        " ".join(line.split()) for line in lines if line.startswith(("policy", "saved"))
    ]


def test_a_prune_goes_on_until_all_is_removed(monkeypatch):
    """What each answer removed is one sum."""
    answers = iter([retention_report(pruned=True, complete=complete) for complete in (False, False, True)])
    terminal = open_terminal(monkeypatch, lambda request: (200, next(answers)))

    done = json.loads(terminal.run("retention", "prune", "--json").output)

    assert ["POST /api/v2/retention/prune/"] * 3 == terminal.asked
    assert (15, 6, [{"name": "default", "entries": 15, "runs": 6}]) == (done["entries"], done["runs"], done["policies"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--deployment", "wine"), {"deploymentId": "wine"}),
        (("--deployment", "gone"), {"deploymentId": "gone"}),
        (("--environment", "loopback"), {"predictionEnvironmentId": "e" * 24}),
    ],
)
def test_a_hold_is_for_a_deployment_or_an_environment(monkeypatch, options, expected):
    """A deployment that is no more is held by its id."""
    answers = {
        "GET deployments/": page(),
        "GET deployments/wine/": deployment(),
        "POST legalHolds/": (201, legal_hold()),
    }
    terminal = open_terminal(monkeypatch, by_path(answers | ENVIRONMENT))

    done = terminal.run("retention", "hold", *options, "--reason", "case 7")

    assert 0 == done.exit_code
    assert {"reason": "case 7", **expected} == json.loads(terminal.adapter.bodies[-1])


def test_holds_are_listed_and_released(monkeypatch):
    """By their ids."""
    answers = {"GET legalHolds/": page(legal_hold()), f"DELETE legalHolds/{'c' * 24}/": (204, None)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "case 7" in terminal.run("retention", "holds").output
    assert f"legal hold {'c' * 24} is released\n" == terminal.run("retention", "release", "c" * 24).output
