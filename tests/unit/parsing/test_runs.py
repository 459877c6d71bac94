"""Parsing of runner events that no run sends, or that a hostile host would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.receipts import ProbedPhase
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.parsing.results import parse_result
from mgmt_ansible.parsing.runs import parse_run

RESULT = {"schema": 1, "outcome": "ok", "cause": None, "message": "fine", "fence": {"generation": 3, "attempt": 2}}


PHASE = {"probes": 2, "p50_seconds": 0.002, "p99_seconds": 0.004}
RECEIPT = {"interval_seconds": 0.05, "probes": 5, "failed": 1, "longest_gap_seconds": 0.05}
RECEIPT |= {"before": PHASE, "during": {**PHASE, "probes": 1}, "after": {"probes": 0, "p50_seconds": None}}


def module_event(kind: str = "runner_on_ok", result: object = RESULT, **data: object) -> dict[str, object]:
    event_data = {"host": "h1", "task": "Do", "task_action": "mgmt_deployment", "res": {"mgmt_result": result}, **data}
    return {"event": kind, "event_data": event_data, "stdout": ""}


def lost(msg: str) -> dict[str, object]:
    """Return what Ansible says of a connection that did not come about or broke."""
    return {"msg": f"Task failed: {msg}", "unreachable": True, "exception": "(traceback unavailable)"}


def parse(*events: dict[str, object], hosts=("h1",), status=RunStatus.SUCCESSFUL, secrets=(), end=None):
    return parse_run(events, hosts=hosts, status=status, secrets=secrets, end=end).hosts


def test_a_host_without_events_did_not_run():
    """Every host of the request is answered for."""
    hosts = parse(module_event(), hosts=("h1", "h2"), status=RunStatus.FAILED)

    assert [Outcome.OK, Outcome.NOT_RUN] == [host.outcome for host in hosts.values()]


def test_hosts_that_were_not_asked_for_are_ignored():
    """A playbook that delegates elsewhere adds no hosts."""
    assert ["h1"] == list(parse(module_event(), module_event(host="h9")))


def test_another_modules_result_is_not_read():
    """Only the mgmt_deployment task speaks for the host."""
    (host,) = parse(module_event(task_action="ansible.builtin.debug")).values()

    assert Outcome.UNKNOWN == host.outcome


def test_the_full_name_of_the_module_counts():
    """A collection may carry the module."""
    (host,) = parse(module_event(task_action="ours.mlops.mgmt_deployment")).values()

    assert Outcome.OK == host.outcome


def test_a_failed_task_that_reports_success_is_unknown():
    """Contradictions are never ok."""
    (host,) = parse(module_event("runner_on_failed")).values()

    assert Outcome.UNKNOWN == host.outcome


def test_the_fence_of_the_host_comes_along():
    """A superseded host says which pair won."""
    (host,) = parse(module_event(result={**RESULT, "outcome": "superseded"})).values()

    assert (Outcome.SUPERSEDED, 3, 2) == (host.outcome, host.fence_generation, host.fence_attempt)


def test_a_receipt_of_the_host_comes_along():
    """What a replacement lost, in all and phase by phase."""
    (host,) = parse(module_event(result={**RESULT, "gap_seconds": 0.05, "receipt": RECEIPT})).values()

    assert (5, 1, 0.05) == (host.receipt.probes, host.receipt.failed, host.receipt.longest_gap_seconds)
    assert (ProbedPhase(**PHASE), ProbedPhase(probes=0)) == (host.receipt.before, host.receipt.after)
    assert (0, None) == (host.receipt.slow, host.receipt.slowest_seconds)


def test_a_receipt_tells_late_answers_from_none():
    """Of a host side that does."""
    receipt = {**RECEIPT, "slow": 2, "slowest_seconds": 7.5}
    (host,) = parse(module_event(result={**RESULT, "receipt": receipt})).values()

    assert (1, 2, 7.5) == (host.receipt.failed, host.receipt.slow, host.receipt.slowest_seconds)


@pytest.mark.parametrize(("rc", "outcome"), [(137, Outcome.UNKNOWN), (143, Outcome.UNKNOWN), (1, Outcome.FAILED)])
def test_a_package_module_that_was_killed_is_unknown(rc, outcome):
    """The host is asked, and it is done once more; one that ended by itself has failed."""
    res = {"msg": "Module result deserialization failed", "module_stdout": "", "module_stderr": "Killed", "rc": rc}

    (host,) = parse(module_event("runner_on_failed", task_action="mgmt_package", res=res)).values()

    assert outcome == host.outcome


def test_a_host_lost_while_our_module_worked_is_unknown():
    """It was there before, so its module may go on working."""
    reached = {"event": "runner_on_ok", "event_data": {"host": "h1", "task": "Load", "task_action": "copy", "res": {}}}
    cut = module_event("runner_on_unreachable", res=lost("Shared connection to h1 closed."))

    (host,) = parse(reached, cut, status=RunStatus.FAILED).values()

    assert (Outcome.UNKNOWN, Cause.UNREACHABLE) == (host.outcome, host.cause)


def lost_afterwards(**stats: object) -> tuple[dict[str, object], ...]:
    cut = module_event("runner_on_unreachable", task="Theirs", task_action="copy", res=lost("Connection timed out"))
    return (module_event(), cut, {"event": "playbook_on_stats", "event_data": stats, "stdout": ""})


def test_a_host_lost_after_our_module_has_failed():
    """What was done is proved, what the user's own playbook wanted afterwards is not."""
    (host,) = parse(*lost_afterwards(dark={"h1": 1}, failures={}), status=RunStatus.FAILED).values()

    assert (Outcome.FAILED, Cause.UNREACHABLE) == (host.outcome, host.cause)


def test_a_host_that_may_be_lost_after_our_module_keeps_its_result():
    """The user's own task said `ignore_unreachable`."""
    (host,) = parse(*lost_afterwards(dark={}, failures={})).values()

    assert Outcome.OK == host.outcome


def test_a_host_that_was_never_reached_is_unreachable_even_in_our_module():
    """Nothing was done on it."""
    (host,) = parse(
        module_event("runner_on_unreachable", res=lost("Connection refused")), status=RunStatus.FAILED
    ).values()

    assert Outcome.UNREACHABLE == host.outcome


def test_a_missing_sudo_password_is_named():
    """Become that fails is a cause of its own, and nothing was done."""
    (host,) = parse(module_event("runner_on_failed", res={"msg": "Task failed: Missing sudo password"})).values()

    assert (Outcome.FAILED, Cause.SUDO) == (host.outcome, host.cause)


def test_a_module_that_says_unreachable_is_unknown():
    """It ran, so its host was reached and may be changed."""
    said = module_event("runner_on_unreachable", res={"msg": "Host key verification failed.", "unreachable": True})

    (host,) = parse(said, status=RunStatus.FAILED).values()

    assert (Outcome.UNKNOWN, Cause.UNKNOWN) == (host.outcome, host.cause)


def test_secrets_leave_no_text():
    """Known secrets and control characters are taken out of what a host says."""
    said = {**RESULT, "message": "hunter22 \x1b[31mred", "evidence": [{"kind": "log_tail", "text": "x hunter22"}]}

    (host,) = parse(module_event(result=said), secrets=("hunter22",)).values()

    assert ("[redacted] red", "x [redacted]") == (host.message, host.evidence[0].text)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"schema": "1"},
        {"outcome": "splendid"},
        {"outcome": None},
        {"cause": "bad luck"},
        {"steps": [{"name": "x"}]},
        {"steps": "none"},
        {"old_model_in_use": "yes"},
        {"identity": {"digest": "short"}},
        {"observations": [{"deployment_id": "d", "outcome": "ok", "state": "asleep"}]},
        {"fence": [1, 2]},
    ],
)
def test_a_result_of_another_shape_is_refused(change):
    """What does not fit the contract is not a result, and names its field."""
    with pytest.raises(errors.ParseError, match="mgmt_result/" + next(iter(change))):
        parse_result("h1", {"mgmt_result": {**RESULT, **change}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.fixed_dictionaries({"event": st.sampled_from(["runner_on_ok", "runner_on_failed", "verbose"])}, optional={"event_data": JSON, "stdout": JSON})))  # fmt: skip
def test_any_event_gives_an_outcome_and_never_a_fine_one(events):
    """Rubbish is never ok, and never an exception."""
    (host,) = parse(*events).values()

    assert host.outcome not in (Outcome.OK, Outcome.CHANGED)


@given(JSON)
def test_any_result_is_an_outcome_or_unknown(result):
    """A hostile module's value is read or is unknown."""
    (host,) = parse(module_event(result=result)).values()

    assert Outcome.UNKNOWN == host.outcome


@pytest.mark.parametrize(
    "broken",
    [
        {"steps": [{"name": "start", "seconds": float("nan")}]},
        {"gap_seconds": float("inf")},
        {"receipt": {**RECEIPT, "failed": -1}},
        {"receipt": {**RECEIPT, "slow": 0.5}},
        {"receipt": {**RECEIPT, "slowest_seconds": "1"}},
        {"receipt": {**RECEIPT, "longest_gap_seconds": float("nan")}},
        {"receipt": {**RECEIPT, "during": {"probes": 2**53}}},
        {"receipt": {"probes": 3}},
        {"fence": {"generation": 2**53, "attempt": 1}},
        {"fence": {"generation": -1, "attempt": 1}},
        {"observations": [{"deployment_id": "d", "outcome": "ok", "state": "running", "fence_generation": 2**53}]},
    ],
)
def test_a_number_that_nobody_could_store_is_an_unknown_outcome(broken):
    """Neither JSON nor the control plane's store has it."""
    (host,) = parse(module_event(result={**RESULT, **broken})).values()

    assert Outcome.UNKNOWN == host.outcome
