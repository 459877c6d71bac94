"""Choosing entries at the command line, and taking them away as a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from mgmt_ansible import errors
from mgmt_ansible.cli.moments import parse_moment
from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.client.scripted_answers import deployment_event, page

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
EXPORT = "GET deploymentEvents/export/"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("90min", NOW - timedelta(minutes=90)),
        ("12h", NOW - timedelta(hours=12)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:30", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
        ("2026-11-01T10:30Z", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
        ("2026-11-01T10:30+02:00", datetime(2026, 11, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_moment_is_an_age_or_a_time(typed, expected):
    """Without a zone it is UTC."""
    assert expected == parse_moment("--since", typed, now=NOW)


@pytest.mark.parametrize("typed", ["", "yesterday", "7", "-7d", "7 d", "999999w", "2026-13-01", "\u0667d", "\x1b[31m"])
def test_what_is_no_moment_is_refused(typed):
    """The message names the option and what can be typed."""
    with pytest.raises(errors.InvalidRequestError, match=r"--since: .*Next: .*7d"):
        parse_moment("--since", typed, now=NOW)


def test_options_become_the_query(monkeypatch):
    """Those that may come again do."""
    terminal = open_terminal(monkeypatch, by_path({"GET deploymentEvents/": page(deployment_event(1))}))

    terminal.run(
        *("event", "list", "--host", "h1", "--host", "h2", "--category", "launch", "--health", "failing"),
        *("--actor", "ann", "--since", "2026-11-01", "--until", "2026-11-02", "--search", "disk full"),
    )

    query = parse_qs(urlsplit(terminal.adapter.requests[0].url).query)
    assert (["h1", "h2"], ["launch"], ["failing"]) == (query["host"], query["category"], query["health"])
    assert ["2026-11-01T00:00:00+00:00"] == query["since"]
    assert ["disk full"] == query["search"]
    assert (["ann"], ["2026-11-02T00:00:00+00:00"]) == (query["actor"], query["until"])


@pytest.mark.parametrize(
    ("command", "path", "expected"),
    [
        (
            "deployment list --state ready --health failing --search w --host h1 --model wine --importance high --sort label",
            "deployments/",
            {
                "state": "ready",
                "health": "failing",
                "host": "h1",
                "packageName": "wine",
                "importance": "HIGH",
                "orderBy": "label",
            },
        ),
        (
            "run list --status failed --status canceled --since 2026-11-01 --until 2026-11-02 --search w",
            "runs/",
            {"since": "2026-11-01T00:00:00+00:00", "until": "2026-11-02T00:00:00+00:00", "search": "w"},
        ),
        ("package list --name wine --search 1.4", "modelPackages/", {"name": "wine", "search": "1.4"}),
        ("environment list --search eu", "predictionEnvironments/", {"search": "eu"}),
    ],
)
def test_filters_of_a_page_are_options_too(monkeypatch, command, path, expected):
    """What the control plane is asked for is the same."""
    terminal = open_terminal(monkeypatch, by_path({f"GET {path}": page()}))

    terminal.run(*command.split())

    query = parse_qs(urlsplit(terminal.adapter.requests[0].url).query)
    assert {name: [value] for name, value in expected.items()} == {name: query.get(name) for name in expected}


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("events.jsonl", (), "jsonl"),
        ("events.CSV", (), "csv"),
        ("events", (), "csv"),
        ("x.csv", ("--format", "jsonl"), "jsonl"),
    ],
)
def test_an_export_is_written_to_a_new_file(monkeypatch, tmp_path, name, more, expected):
    """Its name says the format, unless an option does."""
    terminal = open_terminal(monkeypatch, by_path({EXPORT: (200, b"octets", {"X-Total-Count": "3"})}))

    done = terminal.run("event", "export", str(tmp_path / name), *more)

    assert f"3 events are in {tmp_path / name}" in done.output.replace("\n", "")
    assert b"octets" == (tmp_path / name).read_bytes()
    assert [name] == [path.name for path in tmp_path.iterdir()]
    assert terminal.adapter.requests[0].url.endswith(f"format={expected}")


@pytest.mark.parametrize(
    ("command", "path", "expected"),
    [
        ("deployment export wine.xlsx --health failing --sort -createdAt", "exports/deployments/", {"format": "xlsx"}),
        ("run export-list runs.parquet --status failed --since 2026-11-01", "exports/runs/", {"format": "parquet"}),
        ("run export-list runs.cloudevents", "exports/runs/", {"format": "csv"}),
    ],
)
def test_deployments_and_runs_are_written_too(monkeypatch, tmp_path, command, path, expected):
    """With the filters of their lists; standard output gets the count."""
    monkeypatch.chdir(tmp_path)
    terminal = open_terminal(monkeypatch, by_path({f"GET {path}": (200, b"octets", {"X-Total-Count": "3"})}))

    done = terminal.run(*command.split())

    query = parse_qs(urlsplit(terminal.adapter.requests[0].url).query)
    more = {"health": "failing", "orderBy": "-createdAt", "status": "failed", "since": "2026-11-01T00:00:00+00:00"}
    asked = {name: value[0] for name, value in query.items()}
    assert expected == {name: asked[name] for name in expected}
    assert asked == {**{name: value for name, value in more.items() if name in asked}, **expected}
    assert (f"3 {command.split()[0]}s are in", 1) == (
        done.output[: len(f"3 {command.split()[0]}s are in")],
        len(list(tmp_path.iterdir())),
    )


def test_an_export_to_standard_output_is_nothing_else(monkeypatch):
    """So that it can be piped."""
    terminal = open_terminal(monkeypatch, by_path({EXPORT: (200, b"octets", {"X-Total-Count": "3"})}))

    assert "octets" == terminal.run("event", "export", "-").stdout


def test_an_export_overwrites_nothing(monkeypatch, tmp_path):
    """Nothing is lost."""
    (tmp_path / "mine").write_text("mine")
    terminal = open_terminal(monkeypatch, by_path({}))

    done = terminal.run("event", "export", str(tmp_path / "mine"))

    assert (4, "mine", []) == (done.exit_code, (tmp_path / "mine").read_text(), terminal.asked)


def test_a_broken_export_leaves_no_file(monkeypatch, tmp_path):
    """Half a file looks like a whole one."""
    terminal = open_terminal(
        monkeypatch, by_path({EXPORT: (503, {"code": "store_unavailable", "message": "m", "requestId": "r"})})
    )

    done = terminal.run("event", "export", str(tmp_path / "events.csv"))

    assert 0 != done.exit_code
    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    """With what the system said."""
    terminal = open_terminal(monkeypatch, by_path({}))

    done = terminal.run("event", "export", str(tmp_path / "gone" / "events.csv"))

    assert 2 == done.exit_code
    assert "gone/events.csv cannot be written" in done.stderr.replace("\n", "")
