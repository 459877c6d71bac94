"""`deployment`: what is asked for and what is shown."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import action, deployment, environment, package, page

ACTION = "c" * 24
ACCEPTED = (202, {"id": "wine", "actionId": ACTION})


def test_the_list_is_a_table(monkeypatch):
    """Health has a sign and a word; off a terminal there is no colour and nothing is cut."""
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page(deployment(label="W" * 200))}))

    heading, line = terminal.run("deployment", "list").output.splitlines()

    assert ["LABEL", "ID", "STATE", "HEALTH", "MODEL", "GEN", "ENVIRONMENT", "UPDATED"] == heading.split()
    assert line.startswith("W" * 200)
    assert "● passing" in line


@pytest.mark.parametrize("arguments", [("--json", "deployment", "list"), ("deployment", "list", "--json")])
def test_json_goes_before_the_noun_or_after_the_verb(monkeypatch, arguments):
    """The keys are the API's."""
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page(deployment())}))

    assert "Wine" == json.loads(terminal.run(*arguments).output)[0]["label"]


def test_text_from_outside_cannot_play_with_the_terminal(monkeypatch):
    """Control characters and bidirectional overrides vanish; rich markup stays what it is: text."""
    label = "\x1b]0;owned\x07[bold]x[/bold]\u202egnp\nnew"
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page(deployment(label=label))}))

    line = terminal.run("deployment", "list").output.splitlines()[1]

    assert line.startswith("]0;owned[bold]x[/bold]gnp new")


def test_a_deployment_is_found_by_its_label(monkeypatch):
    """Labels may hold anything, so they are searched for, and compared whole."""
    found = [deployment(id="one", label="Red Wine"), deployment(id="two", label="Red Wine, old")]
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page(*found), "GET deployments/one/": found[0]}))

    assert "Red Wine" in terminal.run("deployment", "show", "Red Wine").output


def test_an_ambiguous_label_names_the_ids(monkeypatch):
    """The next step is in the message."""
    found = [deployment(id="one", label="Red"), deployment(id="two", label="Red")]
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page(*found)}))

    done = terminal.run("deployment", "stop", "Red")

    assert 4 == done.exit_code
    assert "one, two" in done.stderr


def test_an_unknown_label_says_where_to_look(monkeypatch):
    """The next step is in the message."""
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page()}))

    done = terminal.run("deployment", "stop", "nothing")

    assert 4 == done.exit_code
    assert "mgmt-ansible deployment list" in done.stderr


def test_launch_resolves_names(monkeypatch):
    """Package and environment may be named; what is sent holds ids."""
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET modelPackages/": page(package()),
                "GET predictionEnvironments/": page(environment()),
                "POST deployments/fromModelPackage/": ACCEPTED,
            }
        ),
    )

    done = terminal.run(
        "deployment", "launch", "Wine", "--package", "wine:1", "--environment", "loopback", "--minimum-healthy", "0"
    )

    sent = json.loads(terminal.adapter.bodies[-1])
    assert f"accepted as action {ACTION}\n" == done.output
    assert ("a" * 24, "e" * 24, 0.0) == (
        sent["modelPackageId"],
        sent["predictionEnvironmentId"],
        sent["minimumHealthySeconds"],
    )


def test_a_value_that_the_api_would_refuse_is_a_usage_error(monkeypatch):
    """The field is named before anything is launched."""
    terminal = open_terminal(
        monkeypatch,
        by_path({"GET modelPackages/": page(package()), "GET predictionEnvironments/": page(environment())}),
    )

    done = terminal.run("deployment", "launch", "W", "--package", "wine", "--environment", "loopback", "--id", "A B")

    assert 2 == done.exit_code
    assert "deployment" in done.stderr


def test_waiting_shows_progress_and_result(monkeypatch):
    """Progress is on standard error, the result with each host on standard output."""
    host = {
        "host": "web1",
        "outcome": "failed",
        "cause": "not_ready",
        "message": "no answer",
        "evidence": [{"kind": "log_tail", "text": "Traceback\n\x1b[31mboom"}],
        "oldModelInUse": True,
        "receipt": {"intervalSeconds": 0.05, "probes": 9, "failed": 2, "longestGapSeconds": 0.1}
        | {name: {"probes": 3, "p50Seconds": 0.002, "p99Seconds": 0.004} for name in ("before", "during", "after")},
        "notes": ["no_boot_start"],
    }
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET deployments/wine/": deployment(),
                "GET modelPackages/": page(package()),
                "PATCH deployments/wine/model/": ACCEPTED,
                f"GET actions/{ACTION}/": action(status="failed", progress="gate", cause="not_ready", hosts=[host]),
            }
        ),
    )

    done = terminal.run("deployment", "replace", "wine", "--package", "wine:1", "--wait")

    assert "deployment_stop: failed: gate\n" == done.stderr
    assert "  web1: failed (not_ready) no answer" in done.stdout
    assert [
        "the old model is in use",
        "2 of 9 probes failed, at most 0.10 s without an answer; "
        "answers p50 / p99: before 2 ms / 4 ms, during 2 ms / 4 ms, after 2 ms / 4 ms",
        "note: it does not start by itself after a reboot",
        "End of the model server's log:",
        "  Traceback",
        "  [31mboom",
    ] == [line[4:] for line in done.stdout.splitlines() if line.startswith("    ")]
    assert "  mgmt-ansible deployment replace wine --package PACKAGE --wait\n" in done.stdout


def test_what_is_not_well_says_the_next_command(monkeypatch):
    """The newest ended action's causes, each once, with what to type; what is not known stays a capital word."""
    lost = [{"host": name, "outcome": "unreachable", "cause": "auth"} for name in ("web1", "web2")]
    ended = action(status="failed", cause="auth", finishedAt=action()["requestedAt"])
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET deployments/wine/": deployment(serviceHealth={"status": "unknown", "message": "not reached"}),
                "GET actions/": page(ended),
                f"GET actions/{ACTION}/": {**ended, "hosts": lost},
            }
        ),
    )

    shown = terminal.run("deployment", "show", "wine").stdout

    assert [f"mgmt-ansible host check {'e' * 24} web1"] == [
        line.split(maxsplit=1)[1] for line in shown.splitlines() if line.startswith("command")
    ]


def test_a_healthy_deployment_needs_no_next_step(monkeypatch):
    """Nothing more is asked of the control plane."""
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/wine/": deployment()}))

    assert "next" not in terminal.run("deployment", "show", "wine").stdout
    assert ["GET /api/v2/deployments/wine/"] == list(dict.fromkeys(terminal.asked))


def test_a_failed_action_says_why_although_the_old_model_is_well(monkeypatch):
    """Who comes later reads what the newest action made of it."""
    current = {"id": ACTION, "type": "deployment_replace_model", "status": "failed"}
    failed = action(status="failed", message="rolled back on web1: out of memory")
    terminal = open_terminal(
        monkeypatch,
        by_path({"GET deployments/wine/": deployment(currentAction=current), f"GET actions/{ACTION}/": failed}),
    )

    shown = [line.split(maxsplit=1) for line in terminal.run("deployment", "show", "wine").stdout.splitlines()]

    assert ["because", "rolled back on web1: out of memory"] in shown


def test_waiting_with_json_prints_the_action(monkeypatch):
    """Programs read one object."""
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {
                "GET deployments/wine/": deployment(),
                "POST deployments/wine/actions/": ACCEPTED,
                f"GET actions/{ACTION}/": action(status="succeeded"),
            }
        ),
    )

    assert "succeeded" == json.loads(terminal.run("deployment", "status", "wine", "--wait", "--json").stdout)["status"]


def test_cancel_asks_for_the_current_action(monkeypatch):
    """The user does not need to know its id."""
    current = {"id": ACTION, "type": "deployment_launch", "status": "running"}
    terminal = open_terminal(
        monkeypatch,
        by_path(
            {"GET deployments/wine/": deployment(currentAction=current), f"POST actions/{ACTION}/cancel/": ACCEPTED}
        ),
    )

    assert "deployment_launch is asked to end\n" == terminal.run("deployment", "cancel", "wine").output


def test_delete_at_once_forgets(monkeypatch):
    """204 has no action to wait for."""
    terminal = open_terminal(
        monkeypatch, by_path({"GET deployments/wine/": deployment(), "DELETE deployments/wine/": (204, None)})
    )

    assert "deployment Wine is forgotten\n" == terminal.run("deployment", "delete", "wine", "--at-once").output
    assert terminal.adapter.requests[-1].url.endswith("?ignoreManagementAgent=true")


@pytest.mark.parametrize(
    ("state", "expected"),
    [("ready", "deployment_relaunch"), ("errored", "deployment_relaunch"), ("stopped", "deployment_launch")],
)
def test_relaunch_is_the_verb_for_a_stopped_one_too(monkeypatch, state, expected):
    """People need not know that the API has two words for it."""
    terminal = open_terminal(
        monkeypatch,
        by_path({"GET deployments/wine/": deployment(state=state), "POST deployments/wine/actions/": ACCEPTED}),
    )

    terminal.run("deployment", "relaunch", "wine")

    assert expected == json.loads(terminal.adapter.bodies[-1])["type"]


def test_a_cancel_answers_with_json(monkeypatch):
    """A program reads which action was asked to end."""
    busy = deployment(currentAction={"id": ACTION, "type": "deployment_launch", "status": "running"})
    answers = {"GET deployments/wine/": busy, f"POST actions/{ACTION}/cancel/": (202, b"")}
    terminal = open_terminal(monkeypatch, by_path(answers))

    done = terminal.run("deployment", "cancel", "wine", "--json")

    assert {"id": "wine", "actionId": ACTION} == json.loads(done.stdout)


def test_forgetting_at_once_answers_with_json(monkeypatch):
    """There is no action to wait for."""
    answers = {"GET deployments/wine/": deployment(), "DELETE deployments/wine/": (204, b"")}
    terminal = open_terminal(monkeypatch, by_path(answers))

    done = terminal.run("deployment", "delete", "wine", "--at-once", "--json")

    assert {"id": "wine", "deleted": True} == json.loads(done.stdout)


def test_a_status_of_a_deployment_takes_a_timeout(monkeypatch):
    """Like every command that starts a run."""
    answers = {"GET deployments/wine/": deployment(), "POST deployments/wine/actions/": ACCEPTED}
    terminal = open_terminal(monkeypatch, by_path(answers))

    terminal.run("deployment", "status", "wine", "--timeout", "7")

    assert 7 == json.loads(terminal.adapter.bodies[-1])["timeoutSeconds"]


def test_what_an_action_waits_for_is_shown(monkeypatch):
    """Such as for an agent of a newer version."""
    brief = {"id": ACTION, "type": "deployment_rollback", "status": "pending"}
    waiting = action(status="pending", progress="waits for an agent that knows rolling back")
    answers = {"GET deployments/wine/": deployment(currentAction=brief), f"GET actions/{ACTION}/": waiting}
    terminal = open_terminal(monkeypatch, by_path(answers | {"GET actions/": page(waiting)}))

    assert "waits for an agent that knows rolling back" in terminal.run("deployment", "show", "wine").stdout


def test_several_states_are_asked_for_at_once(monkeypatch):
    """As the page's address has them; a word that is none is refused here."""
    terminal = open_terminal(monkeypatch, by_path({"GET deployments/": page()}))

    terminal.run("deployment", "list", "--state", "in_action", "--state", "errored", "--health", "failing")

    assert "state=in_action&state=errored&health=failing&" in terminal.adapter.requests[0].url.partition("?")[2] + "&"
    assert 2 == terminal.run("deployment", "list", "--state", "odd").exit_code


def test_a_deployment_is_given_to_somebody(monkeypatch):
    """Only what was given is sent; nothing given is a usage error."""
    owners = {"count": 1, "preview": [{"username": "bob"}]}
    answers = {"GET deployments/wine/": deployment(), "PATCH deployments/wine/": deployment(owners=owners)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert 2 == terminal.run("deployment", "change", "wine").exit_code
    done = terminal.run("deployment", "change", "wine", "--owner", "bob")

    assert {"owner": "bob"} == json.loads(terminal.adapter.bodies[-1])
    assert ["owner", "bob"] == next(line.split() for line in done.output.splitlines() if line.startswith("owner"))


def test_hosts_tell_how_they_drifted(monkeypatch):
    """A word of its own beside the cause; empty where nothing did."""
    told = {
        "deploymentId": "wine",
        "predictionEnvironmentId": "e" * 24,
        "host": "h1",
        "outcome": "failed",
        "cause": "wrong_model",
        "drift": "foreign_process",
        "message": "another process answers",
        "digest": None,
        "generation": None,
        "inStep": False,
        "actionId": ACTION,
        "since": "2026-01-01T00:00:00Z",
    }
    fine = {**told, "host": "h2", "outcome": "ok", "cause": None, "drift": None}
    answers = {"GET deployments/wine/": deployment(id="wine"), "GET deploymentHosts/": page(told, fine)}
    _, first, second = (
        open_terminal(monkeypatch, by_path(answers)).run("deployment", "hosts", "wine").output.splitlines()
    )

    assert ["h1", "failed", "wrong_model", "foreign_process"] == first.split()[:4]
    assert "foreign_process" not in second
