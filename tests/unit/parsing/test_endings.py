"""Where a run was on a host when it was ended; and what proves nothing about how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.parsing.endings import RunEnd
from mgmt_ansible.parsing.runs import parse_run

BEGAN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NOBODY = "[ERROR]: Specified inventory, host pattern and/or --limit leaves us with no hosts to target."


def task(kind: str, *, seconds: float = 0.0, name: str = "Do the work", created: str | None = None, **data: object):
    moment = (BEGAN + timedelta(seconds=seconds)).isoformat() if created is None else created
    described = {"host": "h1", "task": name, "task_action": "mgmt_deployment", "res": {}, **data}
    return {"event": kind, "created": moment, "event_data": described, "stdout": ""}


def line(text: str) -> dict[str, object]:
    return {"event": "verbose", "stdout": text}


def play(*, empty: bool = False) -> list[dict[str, object]]:
    began = [{"event": "playbook_on_play_start", "event_data": {}}]
    return [*began, {"event": "playbook_on_no_hosts_matched", "event_data": {}}] if empty else began


def parse(*events: dict[str, object], status: RunStatus, killed: bool = False, secrets=()) -> HostOutcome:
    end = RunEnd(started_at=BEGAN, ended_at=BEGAN + timedelta(seconds=20.3), allowed_seconds=20.0, killed=killed)
    return parse_run(events, hosts=("h1",), status=status, secrets=secrets, end=end).hosts["h1"]


def test_a_timeout_shows_the_task_that_it_interrupted():
    """Its name, since when, for how long, and what was allowed."""
    host = parse(task("runner_on_start", seconds=3.1), status=RunStatus.TIMEOUT)

    assert (Outcome.UNKNOWN, Cause.TIMEOUT) == (host.outcome, host.cause)
    assert (
        "Do the work (mgmt_deployment)\n"
        "began 2026-01-01T12:00:03Z, 3.1 s into the run; no end of it was seen in the 17.2 s that followed\n"
        "the run's time was over, 20.3 s after it began; 20.0 s were allowed"
    ) == host.evidence[0].text


def test_a_cancel_between_two_tasks_says_so():
    """The last one had ended."""
    done = task("runner_on_ok", seconds=5, task_action="copy")

    host = parse(task("runner_on_start", seconds=4), done, status=RunStatus.CANCELED)

    assert (Outcome.UNKNOWN, Cause.CANCELED) == (host.outcome, host.cause)
    assert "4.0 s into the run; it had ended, and no other began\nthe run was canceled" in host.evidence[0].text


def test_a_cancel_before_the_first_task_says_so():
    """Nothing was done on the host."""
    host = parse(status=RunStatus.CANCELED)

    assert Outcome.NOT_RUN == host.outcome
    assert "no task had begun on this host\n" in host.evidence[0].text


@pytest.mark.parametrize("created", ["", "yesterday", "0001-01-01T00:00:00+23:00"])
def test_a_time_that_cannot_be_read_is_not_made_up(created):
    """The task is known all the same."""
    host = parse(task("runner_on_start", created=created), status=RunStatus.TIMEOUT)

    assert "Do the work (mgmt_deployment)\nthe last task that began on this host\n" in host.evidence[0].text


def test_a_tasks_name_is_redacted_and_cut():
    """It is the playbook author's text."""
    host = parse(
        task("runner_on_start", name="hunter22 " + "x" * 9_000), status=RunStatus.TIMEOUT, secrets=("hunter22",)
    )

    assert "hunter22" not in host.evidence[0].text
    assert len(host.evidence[0].text) < 1_000


@pytest.mark.parametrize("status", [RunStatus.SUCCESSFUL, RunStatus.FAILED])
def test_a_run_that_ended_by_itself_needs_no_whereabouts(status):
    """Its own words are the evidence."""
    assert () == parse(task("runner_on_start"), status=status).evidence


def test_an_ansible_that_a_signal_ended_is_unknown():
    """It did not end by itself, so nobody knows what its module did; words that look like an error change nothing."""
    host = parse(task("runner_on_start", seconds=1), line("ERROR! no playbook"), status=RunStatus.FAILED, killed=True)

    assert (Outcome.UNKNOWN, Cause.UNKNOWN) == (host.outcome, host.cause)
    assert "a signal ended Ansible before this host reported" == host.message
    assert "a signal ended Ansible, 20.3 s after it began" in host.evidence[-1].text


def test_an_error_line_in_a_run_that_ended_well_is_no_playbook_error():
    """A lookup's program may print anything."""
    assert Cause.UNKNOWN == parse(line("ERROR! boom"), status=RunStatus.SUCCESSFUL).cause


def test_a_limit_that_matches_nobody_is_no_hosts():
    """Ansible ends with that line, before any play."""
    assert Cause.NO_HOSTS == parse(line(NOBODY), status=RunStatus.FAILED).cause


@pytest.mark.parametrize(
    ("cause", "events"),
    [
        (Cause.PLAYBOOK_ERROR, [line(NOBODY), line("[ERROR]: YAML parsing failed")]),
        (Cause.PLAYBOOK_ERROR, [*play(), line(NOBODY)]),
        (Cause.PLAYBOOK_ERROR, [line("[WARNING]: no hosts matched"), line("[WARNING]: " + NOBODY)]),
        (Cause.PLAYBOOK_ERROR, [*play(empty=True), *play()]),
        (Cause.PLAYBOOK_ERROR, [*play(empty=True), task("runner_on_start")]),
        (Cause.NO_HOSTS, [*play(empty=True), *play(empty=True)]),
    ],
)
def test_no_hosts_needs_every_play_or_ansibles_last_word(cause, events):
    """One play of several, a warning, and somebody else's sentence are no proof."""
    assert cause == parse(*events, status=RunStatus.FAILED).cause
