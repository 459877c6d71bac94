"""Recorded runner events of real runs, and what parsing must make of each."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.parsing.runs import ParsedRun, parse_run
from tests.recordings.recorder import CASES, read

EXPECTED = {
    "success": (Outcome.CHANGED, None),
    "unchanged": (Outcome.OK, None),
    "result_failed": (Outcome.FAILED, Cause.NOT_READY),
    "package_failed": (Outcome.FAILED, Cause.DISK),
    "task_failed": (Outcome.FAILED, Cause.PLAYBOOK_ERROR),
    "task_failed_afterwards": (Outcome.FAILED, Cause.PLAYBOOK_ERROR),
    "task_ignored": (Outcome.CHANGED, None),
    "task_rescued": (Outcome.CHANGED, None),
    "unreachable": (Outcome.UNREACHABLE, Cause.UNREACHABLE),
    "unreachable_ignored": (Outcome.UNREACHABLE, Cause.UNREACHABLE),
    "host_key_changed": (Outcome.UNREACHABLE, Cause.HOST_KEY),
    "auth_refused": (Outcome.UNREACHABLE, Cause.AUTH),
    "python_missing": (Outcome.FAILED, Cause.PYTHON_MISSING),
    "sudo_password": (Outcome.FAILED, Cause.SUDO),
    "sudo_unknown_user": (Outcome.FAILED, Cause.SUDO),
    "sudo_not_allowed": (Outcome.UNKNOWN, Cause.UNKNOWN),
    "sudo_wants_a_terminal": (Outcome.FAILED, Cause.SUDO),
    "module_killed": (Outcome.UNKNOWN, Cause.UNKNOWN),
    "unknown_module": (Outcome.NOT_RUN, Cause.PLAYBOOK_ERROR),
    "syntax_error": (Outcome.NOT_RUN, Cause.PLAYBOOK_ERROR),
    "empty_limit": (Outcome.NOT_RUN, Cause.NO_HOSTS),
    "no_result": (Outcome.UNKNOWN, Cause.UNKNOWN),
    "timeout": (Outcome.UNKNOWN, Cause.TIMEOUT),
    "canceled": (Outcome.UNKNOWN, Cause.CANCELED),
    "big_result": (Outcome.UNKNOWN, Cause.UNKNOWN),
    "no_log": (Outcome.UNKNOWN, Cause.UNKNOWN),
    "no_hosts_in_play": (Outcome.NOT_RUN, Cause.NO_HOSTS),
}


def parse(name: str) -> ParsedRun:
    header, events = read(name)
    return parse_run(events, hosts=tuple(header["hosts"]), status=RunStatus(header["status"]))


def test_every_recorded_case_is_expected():
    """A new recording needs its line in the table above."""
    assert EXPECTED.keys() == CASES.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_run_has_its_outcome_and_cause(name):
    """Outcome and cause of the one host of each recording."""
    (host,) = parse(name).hosts.values()

    assert EXPECTED[name] == (host.outcome, host.cause)


@pytest.mark.parametrize(
    "name", [name for name, (outcome, _) in EXPECTED.items() if outcome.value not in ("ok", "changed")]
)
def test_what_is_not_fine_says_why(name):
    """An operator reads a sentence, never an empty cell."""
    (host,) = parse(name).hosts.values()

    assert host.message


def test_a_failed_task_is_named_with_its_words():
    """The message of a playbook error leads to the line that failed."""
    (host,) = parse("task_failed").hosts.values()

    assert "task 'Refuse' failed: the operator said no" == host.message
    assert "the operator said no" in host.evidence[0].text


def test_a_failure_after_our_result_keeps_what_was_proved():
    """The steps of the host's own result stay when the playbook fails later."""
    (host,) = parse("task_failed_afterwards").hosts.values()

    assert ["start"] == [step.name for step in host.steps]


def test_a_mistyped_module_is_a_sentence_about_the_run():
    """Nothing ran: the run's own message says so."""
    assert "couldn't resolve module/action 'mgmt_deploymnt'" in parse("unknown_module").message


def test_no_recording_carries_this_machine():
    """Recordings are scrubbed of paths."""
    for name in CASES:
        _, events = read(name)
        assert "/dev/shm/" not in str(events)
        assert "/tmp/" not in str(events)
