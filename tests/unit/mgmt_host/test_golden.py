"""Golden predictions on a host, over real ONNX models: what is refused, what passes, what is told of the old model."""

from __future__ import annotations

import json

import pytest
from mgmt_host.failures import HostError
from mgmt_host.proving import gates, golden, golden_examples
from mgmt_host.running import slots

from tests.unit.mgmt_host.golden_packages import answer, golden_package, line


def test_a_perturbed_coefficient_is_refused_before_it_gets_traffic(host):
    """It answers 200 and almost the same; the old model, asked the same, is told to be right."""
    host.act("deployment_launch", 1, golden_package(host, "good", 2.0))
    result = host.act("deployment_replace_model", 2, golden_package(host, "perturbed", 2.00001, golden_of=2.0))

    assert ("failed", "bad_prediction", True) == (result["outcome"], result["cause"], result["old_model_in_use"])
    assert 1 == result["identity"]["generation"]
    assert (1, 0, 1) == tuple(result["golden"][key] for key in ("examples", "passed", "failed"))
    assert result["golden"]["worst"]["field"].startswith("outputs[0].data[")
    assert 0 < result["golden"]["worst"]["difference"] < 5e-5
    assert (1, 1) == tuple(result["golden"]["old_model"][key] for key in ("compared", "different"))
    assert ["golden"] == [one["kind"] for one in result["evidence"]][:1]


def test_the_file_of_another_model_is_refused_at_its_first_launch(host):
    """Model A's file in model B's package; nothing is left running."""
    result = host.act("deployment_launch", 1, golden_package(host, "swapped", 3.0, golden_of=2.0))

    assert ("failed", "bad_prediction", None) == (result["outcome"], result["cause"], result["golden"]["old_model"])
    assert "1 of 1 golden predictions are wrong" in result["message"]
    assert not any(slot.running for slot in slots.list_slots(host.own()))


def test_a_bit_identical_rebuild_passes_and_differs_in_nothing(host):
    """Another archive and another digest, the same model."""
    host.act("deployment_launch", 1, golden_package(host, "one", 2.0))
    result = host.act("deployment_replace_model", 2, golden_package(host, "two", 2.0))

    wanted = {"compared": 1, "different": 0, "largest_difference": 0.0}
    assert ("changed", wanted, None) == (result["outcome"], result["golden"]["old_model"], result["golden"]["worst"])


def test_a_retrained_model_passes_with_its_difference_to_the_old_one(host):
    """Its own examples are right; how far it is from what served is told."""
    host.act("deployment_launch", 1, golden_package(host, "first", 2.0))
    result = host.act("deployment_replace_model", 2, golden_package(host, "second", 2.5))

    wanted = {"compared": 1, "different": 1, "largest_difference": 2.0}
    assert ("changed", wanted) == (result["outcome"], result["golden"]["old_model"])


def test_a_relaunch_is_asked_too(host):
    """No candidate is gated beside it, so the process that takes the port is."""
    package = golden_package(host, "again", 2.0)
    host.act("deployment_launch", 1, package)
    result = host.act("deployment_relaunch", 2, package)

    assert ("changed", 1) == (result["outcome"], result["golden"]["passed"])


def test_a_field_has_a_tolerance_of_its_own(host):
    """What is far enough off to be refused elsewhere passes in this one."""
    package = golden_package(host, "loose", 2.01, golden_of=2.0, fields={"outputs[*].data": 0.1})

    assert "changed" == host.act("deployment_launch", 1, package)["outcome"]


def test_of_several_wrong_answers_the_worst_is_told(host):
    """Not the first, nor the last."""
    result = host.act("deployment_launch", 1, golden_package(host, "three", 2.0, golden_of=(2.1, 9.0, 2.2)))

    assert (3, 0, 2) == (
        *(result["golden"][key] for key in ("examples", "passed")),
        result["golden"]["worst"]["example"],
    )
    assert "3 of 3 golden predictions are wrong" in result["message"]


def test_who_answers_too_slowly_is_not_waited_for(host):
    """What was not asked in time was not passed."""
    host.act("deployment_launch", 1, golden_package(host, "slow", 2.0))
    slot = slots.find_live(host.own())
    known = golden_examples.find(slot.config["package_dir"])

    with pytest.raises(HostError, match=r"only 0 of 1 golden predictions were answered within 0 s") as refused:
        golden._ask_all(slot, known, list(known.read()), 0.0)
    assert "bad_prediction" == refused.value.cause


def test_a_model_that_does_not_answer_an_example_fails_it(host):
    """Its own refusal is what is shown."""
    package = golden_package(host, "odd", 2.0)
    host.act("deployment_launch", 1, package)
    slot = slots.find_live(host.own())
    example = golden_examples.Example(1, b'{"inputs": []}', "application/json", {})

    said = gates.ask(slot, slot.served.predict_path, 5.0, example.body)
    assert golden._NOTHING is golden._value(said)
    assert golden._unanswered(example, said).said.startswith("HTTP 400")


@pytest.mark.parametrize(
    ("wanted", "said", "fields"),
    [
        ({"a": 1.0}, {"a": 1.0, "b": 2}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1e9}, {"a": 1e9 + 1}, []),
        ({"a": 1.0}, {}, ["a"]),
        ({"a": 1.0}, [], [""]),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, ["a"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1.0}, {"a": "1.0"}, ["a"]),
        ({"a": 1.0}, {"a": float("nan")}, ["a"]),
        ({"a": 1.0}, {"a": 10**400}, ["a"]),
        ({"a": float("nan")}, {"a": float("nan")}, []),
        ({"a": None}, {"a": None}, []),
        ({"a": {"b": ["x"]}}, {"a": {"b": ["y"]}}, ["a.b[0]"]),
        ("text", "text", []),
        ([{"s": 0.5}], [{"s": 0.6}], ["[0].s"]),
    ],
)
def test_an_answer_is_compared_value_by_value(tmp_path, wanted, said, fields):
    """An object may say more, a list may not; large numbers are compared relatively."""
    rules = golden_examples.Golden(str(tmp_path), 1e-6, ())

    found = golden.differences(rules, 1, wanted, said)
    assert fields == [one.field for one in found if one.beyond > 1.0]


def test_the_most_exact_field_counts(tmp_path):
    """However they are ordered in the manifest."""
    (tmp_path / "golden.jsonl").write_text(line(2.0))
    fields = {"outputs": 1.0, "outputs[*].data[0]": 0.1, "outputs[0].data[0]": 0.01}
    (tmp_path / "model-package.json").write_text(json.dumps({"golden": {"fields": fields}}))
    rules = golden_examples.find(str(tmp_path))
    places = ["outputs[0].data[0]", "outputs[1].data[0]", "outputs[0].data[10]", "outputs", "outputs2", "other"]

    assert [0.01, 0.1, 1.0, 1.0, 1e-6, 1e-6] == [rules.tolerance_at(place) for place in places]
    assert [answer(2.0)] == [example.answer for example in rules.read()]
