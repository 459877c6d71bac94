"""What a host remembers of its newest change, read out of a look."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.outcomes import RESULT_KEY, HostOutcome, Outcome
from mgmt_ansible.parsing.results import parse_result

RECORDED = {"schema": 1, "outcome": "changed", "generation": 3, "attempt": 2, "message": "generation 3 serves"}


def look(**seen: object) -> HostOutcome:
    observation = {"deployment_id": "churn", "outcome": "ok", "state": "running", **seen}
    return parse_result("h1", {RESULT_KEY: {"schema": 1, "outcome": "ok", "observations": [observation]}})


def test_a_recorded_result_comes_with_its_pair():
    """A takeover compares it with its own."""
    seen = look(result=RECORDED, working=False, canceled=True).observations["churn"]

    assert (3, 2, False, True) == (seen.recorded_generation, seen.recorded_attempt, seen.working, seen.canceled)
    assert HostOutcome(host="h1", outcome=Outcome.CHANGED, message="generation 3 serves") == seen.recorded


def test_a_host_without_a_record_has_none():
    """An older host says nothing of it."""
    seen = look(working=True).observations["churn"]

    assert (None, 0, 0, True) == (seen.recorded, seen.recorded_generation, seen.recorded_attempt, seen.working)


@pytest.mark.parametrize(
    "result",
    ["text", [], 7, {}, {**RECORDED, "schema": 2}, {**RECORDED, "attempt": -1}, {**RECORDED, "outcome": "fine"}],
)
def test_a_record_that_is_not_of_the_contract_is_none_and_spoils_no_look(result):
    """Whatever lies on the host, the look itself stays true."""
    seen = look(result=result).observations["churn"]

    assert (None, Outcome.OK) == (seen.recorded, seen.outcome)


def test_a_record_holds_no_observations():
    """Looks do not nest."""
    nested = {"deployment_id": "churn", "outcome": "ok", "state": "running"}
    seen = look(result={**RECORDED, "observations": [nested]}).observations["churn"]

    assert seen.recorded is not None
    assert {} == seen.recorded.observations


def test_a_look_tells_how_long_the_answer_took():
    """An older host does not."""
    assert (0.004, None) == tuple(
        look(**seen).observations["churn"].probe_seconds for seen in ({"probe_seconds": 0.004}, {})
    )


@pytest.mark.parametrize("seconds", ["0.004", -0.1, float("inf"), True])
def test_a_time_that_is_none_is_no_result(seconds):
    """The message names the field."""
    with pytest.raises(errors.ParseError, match="probe_seconds"):
        look(probe_seconds=seconds)


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, None), ([], ()), ([{"deployment_id": "x", "state": "running"}], ("x",))],
)
def test_a_look_tells_what_else_lies_there(told, expected):
    """An older host tells nothing, which is not the same as nothing lying there."""
    seen = parse_result("h1", {RESULT_KEY: {"schema": 1, "outcome": "ok", "orphans": told}}).orphans

    assert expected == (None if seen is None else tuple(one.deployment_id for one in seen))


@pytest.mark.parametrize(
    "orphan",
    [
        {"deployment_id": "../x", "state": "running"},
        {"deployment_id": "{{ x }}", "state": "running"},
        {"deployment_id": "x", "state": "fine"},
        {"state": "running"},
        "x",
    ],
)
def test_an_orphan_that_is_none_is_no_result(orphan):
    """The message names the place."""
    with pytest.raises(errors.ParseError, match="orphans/0"):
        parse_result("h1", {RESULT_KEY: {"schema": 1, "outcome": "ok", "orphans": [orphan]}})


@pytest.mark.parametrize("word", [*Drift, None])
def test_a_look_tells_how_a_host_drifted(word):
    """All five words, or none; of the one deployment that was looked at, the host itself has it, too."""
    seen = look(drift=word)
    assert (word, word) == (seen.drift, seen.observations["churn"].drift)


@pytest.mark.parametrize("word", ["", "stolen", 1, ["missing"]])
def test_drift_of_another_word_is_no_result(word):
    """The set is closed."""
    with pytest.raises(errors.ParseError, match="observations/0/drift"):
        look(drift=word)


GOLDEN = {
    "examples": 3,
    "passed": 2,
    "failed": 1,
    "worst": {"example": 2, "field": "score", "said": "hunter2", "wanted": "2.0", "difference": 0.5},
    "old_model": {"compared": 3, "different": 1, "largest_difference": 0.25},
}


def test_golden_predictions_are_told_and_redacted():
    """What a model says is outside data like any other."""
    result = {"schema": 1, "outcome": "failed", "golden": GOLDEN}
    golden = parse_result("h1", {RESULT_KEY: result}, secrets=("hunter2",)).golden

    assert golden is not None
    assert golden.worst is not None
    assert "hunter2" not in golden.worst.said
    assert "2 of 3 golden predictions right; 1 of 3 differ from the old model, by 0.25 at most" == golden.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"examples": -1},
        {"passed": "2"},
        {"failed": None},
        {"worst": {**GOLDEN["worst"], "said": "x" * 201}},
        {"worst": {**GOLDEN["worst"], "difference": float("inf")}},
        {"worst": []},
        {"old_model": {"compared": 1}},
        {"old_model": {"compared": 1, "different": 1, "largest_difference": -1.0}},
    ],
)
def test_golden_predictions_of_another_shape_are_no_result(changes):
    """The message names the field."""
    result = {"schema": 1, "outcome": "ok", "golden": {**GOLDEN, **changes}}
    with pytest.raises(errors.ParseError, match=f"golden/{next(iter(changes))}"):
        parse_result("h1", {RESULT_KEY: result})
