"""`mgmt-ansible notification`: what it asks and shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import MOMENT, deployment, page

CHANNEL = {
    "id": "c" * 24, "name": "ops", "channelType": "Slack", "relatedEntityType": "everything", "relatedEntityId": "all",
    "payloadUrl": "https://hooks.slack.com/********", "uid": "ann", "policyCount": 1, "createdAt": MOMENT, "updatedAt": MOMENT,
    "lastNotificationAt": None, "trouble": "",
}  # fmt: skip
POLICY = {
    "id": "b" * 24, "name": "outages", "channelId": "c" * 24, "channelName": "ops", "channelType": "Slack", "eventGroup": "mgmt_ansible.problems",
    "eventType": None, "maximalFrequency": "PT1H", "active": True, "muted": False, "relatedEntityType": "everything",
    "relatedEntityId": "all", "uid": "ann", "createdAt": MOMENT, "updatedAt": MOMENT, "lastTriggered": None,
}  # fmt: skip
LOG = {
    "id": "d" * 24, "channelId": "c" * 24, "channelName": "ops", "policyId": "b" * 24, "policyName": "outages", "parentNotificationId": None,
    "eventSequence": 7, "eventType": "x.y", "title": "Launch \u001b[31mfailed", "health": "failing", "predictionEnvironmentId": "e" * 24, "deploymentId": "wine",
    "recovered": False, "heldCount": 2, "status": "failed", "message": "no such hook", "tries": 3, "retryCount": 2, "nextTryAt": None, "timestamp": MOMENT,
    "finishedAt": MOMENT, "request": {"body": "m"}, "response": {"statusCode": 404, "body": "no such hook"},
}  # fmt: skip
MUTE = {
    "id": "m" * 24,
    "policyId": None,
    "deploymentId": "wine",
    "until": MOMENT,
    "reason": "",
    "uid": "ann",
    "createdAt": MOMENT,
}
LISTS = {"GET entityNotificationChannels/": page(CHANNEL), "GET entityNotificationPolicies/": page(POLICY)}
AT = f"everything/all/{'c' * 24}/"


def test_a_channel_takes_its_secrets_from_files(monkeypatch, tmp_path: Path):
    """None is on the command line, and none is shown."""
    (tmp_path / "url").write_text("https://example.org/hook\n")
    (tmp_path / "secret").write_text("s3cret\n")
    terminal = open_terminal(monkeypatch, by_path({"POST entityNotificationChannels/": (201, CHANNEL)}))

    done = terminal.run(
        "notification", "channel", "add", "ops", "--type", "webhook", "--url-file", str(tmp_path / "url"), "--secret-file", str(tmp_path / "secret"),
        "--header-file", f"X-Key={tmp_path / 'secret'}", "--no-verify-tls",
    )  # fmt: skip

    assert 0 == done.exit_code
    sent = json.loads(terminal.adapter.bodies[-1])
    assert ("Webhook", "https://example.org/hook", "s3cret", [{"name": "X-Key", "value": "s3cret"}], False) == tuple(
        sent[name] for name in ("channelType", "payloadUrl", "secretToken", "customHeaders", "validateSsl")
    )
    assert "s3cret" not in done.output


@pytest.mark.parametrize(
    "options", [("--type", "Pigeon"), ("--type", "Slack"), ("--type", "Slack", "--url-file", "/none"), ("--type", "Webhook", "--header-file", "X")]
)  # fmt: skip
def test_a_channel_that_cannot_be_read_is_a_usage_error(monkeypatch, options):
    """Which names the option; without a terminal nothing is asked."""
    terminal = open_terminal(monkeypatch, by_path({}))

    done = terminal.run("notification", "channel", "add", "ops", *options)

    assert (2, True) == (done.exit_code, "--" in done.stderr)


def test_a_test_that_is_not_taken_is_a_failure(monkeypatch):
    """With what came back."""
    answer = {"delivered": False, "response": {"statusCode": 404, "body": "no such hook"}}
    terminal = open_terminal(monkeypatch, by_path({**LISTS, f"POST entityNotificationChannels/{AT}test/": answer}))

    done = terminal.run("notification", "test", "ops")

    assert 1 == done.exit_code
    assert ["delivered no", "code 404", "answer no such hook"] == [
        " ".join(line.split()) for line in done.output.splitlines()
    ]


def test_a_policy_names_its_channel_and_its_deployment(monkeypatch):
    """By name and label."""
    answers = {**LISTS, "GET deployments/wine/": deployment(), "POST entityNotificationPolicies/": (201, POLICY)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    done = terminal.run(
        "notification", "policy", "add", "outages", "--channel", "ops", "--group", "mgmt_ansible.problems", "--every", "PT1H", "--deployment", "wine",
    )  # fmt: skip

    assert 0 == done.exit_code
    sent = json.loads(terminal.adapter.bodies[-1])
    assert ("c" * 24, "mgmt_ansible.problems", "PT1H", "deployment", "wine") == tuple(
        sent[name] for name in ("channelId", "eventGroup", "maximalFrequency", "relatedEntityType", "relatedEntityId")
    )


def test_a_policy_is_changed_in_part(monkeypatch):
    """An empty duration is no limit."""
    path = f"entityNotificationPolicies/everything/all/{'b' * 24}/"
    terminal = open_terminal(monkeypatch, by_path({**LISTS, f"PUT {path}": POLICY}))

    assert 0 == terminal.run("notification", "policy", "change", "outages", "--inactive", "--every", "").exit_code
    assert {"active": False, "maximalFrequency": ""} == json.loads(terminal.adapter.bodies[-1])


def test_a_mute_lasts_from_now_on(monkeypatch):
    """`2h` is in two hours."""
    answers = {"GET deployments/wine/": deployment(), "POST notificationPolicyMutes/": (201, MUTE)}
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert 0 == terminal.run("notification", "mute", "add", "--deployment", "wine", "--until", "2h").exit_code
    assert {"deploymentId", "until", "reason"} == json.loads(terminal.adapter.bodies[-1]).keys()
    assert 2 == terminal.run("notification", "mute", "add", "--until", "soon").exit_code


def test_the_log_shows_what_came_back_as_text(monkeypatch):
    """Escapes of terminals are gone."""
    terminal = open_terminal(
        monkeypatch, by_path({**LISTS, "GET notificationLogs/": page(LOG), f"GET notificationLogs/{'d' * 24}/": LOG})
    )

    listed = terminal.run("notification", "log", "list", "--channel", "ops", "--status", "failed").output
    shown = terminal.run("notification", "log", "show", "d" * 24).output

    assert "\x1b" not in listed + shown
    assert "no such hook" in shown
    assert f"channelId={'c' * 24}" in terminal.adapter.requests[1].path_url


def test_what_is_unknown_or_ambiguous_is_told(monkeypatch):
    """With the command that lists them."""
    twice = {"GET entityNotificationChannels/": page(CHANNEL, {**CHANNEL, "id": "a" * 24})}
    terminal = open_terminal(monkeypatch, by_path({**LISTS, **twice}))

    unknown = terminal.run("notification", "policy", "delete", "none")
    ambiguous = terminal.run("notification", "channel", "delete", "ops")

    assert (4, 4) == (unknown.exit_code, ambiguous.exit_code)
    assert "notification policy list" in unknown.stderr
    assert "a" * 24 in ambiguous.stderr


def test_lists_are_tables_or_json(monkeypatch):
    """And what is deleted says so."""
    answers = {**LISTS, "GET notificationPolicyMutes/": page(MUTE), f"DELETE entityNotificationChannels/{AT}": (204, None),
               f"DELETE notificationPolicyMutes/{'m' * 24}/": (204, None)}  # fmt: skip
    terminal = open_terminal(monkeypatch, by_path(answers))

    assert "https://hooks.slack.com/********" in terminal.run("notification", "channel", "list").output
    assert "PT1H" in terminal.run("notification", "policy", "list").output
    assert "wine" in terminal.run("notification", "mute", "list").output
    assert [POLICY["id"]] == [
        one["id"] for one in json.loads(terminal.run("notification", "policy", "list", "--json").output)
    ]
    assert "is deleted" in terminal.run("notification", "channel", "delete", "ops").output
    assert "is removed" in terminal.run("notification", "mute", "remove", "m" * 24).output
