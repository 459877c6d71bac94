"""`deployment list --at`, `deployment diff` and `deployment responses`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import MOMENT, deployment, page

THEN = {
    "id": "wine",
    "label": "Wine",
    "predictionEnvironmentId": "e" * 24,
    "predictionEnvironmentName": "loopback",
    "packageName": "wine",
    "packageVersion": "1",
    "packageDigest": "d" * 64,
    "wantedRunning": True,
    "generation": 3,
    "state": "ready",
    "health": "passing",
    "fromAt": MOMENT,
}
AT = {"asOf": MOMENT, "since": MOMENT, "count": 1, "data": [THEN]}
CHANGED = {"id": "wine", "difference": "changed", "before": THEN, "after": THEN, "fields": ["generation", "state"]}
DIFFERENCES = {"fromTime": MOMENT, "toTime": MOMENT, "since": MOMENT, "count": 1, "data": [CHANGED]}


def test_a_list_is_as_of_a_time(monkeypatch):
    """With a zone, however it was typed."""
    terminal = open_terminal(monkeypatch, by_path({"GET deploymentHistory/": AT}))

    done = terminal.run("deployment", "list", "--at", "2026-11-26T10:00")

    assert ["Wine", "wine", "ready"] == done.output.splitlines()[1].split()[:3]
    assert "asOf=2026-11-26T10%3A00%3A00%2B00%3A00" in terminal.adapter.requests[-1].path_url


def test_filters_do_not_go_with_a_time(monkeypatch):
    """A usage error; nothing is asked."""
    terminal = open_terminal(monkeypatch, by_path({}))

    done = terminal.run("deployment", "list", "--at", "1h", "--state", "ready")

    assert (2, True, []) == (done.exit_code, "--at" in done.stderr, terminal.asked)


def test_differences_name_the_fields(monkeypatch):
    """Until now, unless somebody says otherwise."""
    terminal = open_terminal(monkeypatch, by_path({"GET deploymentHistory/differences/": DIFFERENCES}))

    assert "generation, state" in terminal.run("deployment", "diff", "--from", "12h").output
    assert 2 == terminal.run("deployment", "diff", "--from", "whenever").exit_code


def test_responses_are_added_up_to_days(monkeypatch):
    """Three hours of one day and one of the day before; what was not measured is not there."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    times = {"source": "looks", "asked": 2, "failed": 1, "userErrors": 0, "timed": 1}
    took = {"averageMilliseconds": 4.0, "fastestMilliseconds": 4.0, "slowestMilliseconds": 4.0}
    told = [{**times, **took, "begin": (now - timedelta(hours=hours)).isoformat()} for hours in (0, 1, 2, 30)]
    terminal = open_terminal(
        monkeypatch,
        by_path({"GET deployments/wine/": deployment(), "GET deployments/wine/responseTimes/": page(*told)}),
    )

    done = terminal.run("deployment", "responses", "wine", "--hours", "168")

    rows = [line.split()[2:] for line in done.output.splitlines()[1:]]
    assert [["looks", "6", "3", "0", "4", "4", "4"], ["looks", "2", "1", "0", "4", "4", "4"]] == rows
    assert "hours=168" in terminal.adapter.requests[-1].path_url
