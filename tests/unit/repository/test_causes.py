"""`docs/reference/causes.md` holds every cause, with tests that exist and the command that people are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mgmt_ansible.domain.next_steps import next_step
from mgmt_ansible.domain.outcomes import Cause

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "causes.md").read_text()
TESTS = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
FOLDER = ROOT / "tests" / "integration" / "causes"


def section(cause: Cause) -> str:
    """Return what the page says of a cause."""
    found = re.search(rf"^## `{cause}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {cause}"
    return found.group(1)


def test_the_page_has_the_closed_set_in_its_order():
    """No cause is missing, and none is made up."""
    assert list(Cause) == re.findall(r"^## `(\w+)`$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_has_tests_and_evidence(cause):
    """A fault, and words of a real run; `signature` waits for signing."""
    found = section(cause)
    if cause is Cause.SIGNATURE:
        assert "not yet" in found
        return
    assert "Fault:" in found
    assert "```text\n" in found


@pytest.mark.parametrize("cause", sorted(set(Cause) - {Cause.SIGNATURE, Cause.UNKNOWN}))
def test_a_cause_has_a_near_miss_that_says_unknown(cause):
    """Its own words without its proof, and whatever else looks like it."""
    (line,) = re.findall(r"^- Near miss: (.*)$", section(cause), re.MULTILINE)
    named = re.findall(r"::(test_\w+)`", line)

    assert set(named) <= SAYING_UNKNOWN
    assert "test_a_causes_own_words_without_its_proof_are_unknown" in named


def says_unknown(program: str) -> set[str]:
    """Return the tests of a program that assert cause `unknown`."""
    parts = re.split(r"^def ", program, flags=re.MULTILINE)
    return {part.partition("(")[0] for part in parts if "Cause.UNKNOWN)" in part}


SAYING_UNKNOWN = {name for path in FOLDER.glob("test_*.py") for name in says_unknown(path.read_text())}


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_has_its_next_command(cause):
    """As the program says it, with names to fill in."""
    step = next_step(cause, environment="ENVIRONMENT", deployment="DEPLOYMENT", host="HOST")

    assert step.sentence in section(cause)
    assert f"`{step.command}`" in section(cause)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_every_test_on_the_page_exists(file, name):
    """It can be run by its name."""
    (path,) = FOLDER.glob(file)

    assert f"\ndef {name}(" in path.read_text()


def test_every_integration_test_of_a_cause_is_on_the_page():
    """A new fault is shown too."""
    files = FOLDER.glob("test_*.py")
    written = {(path.name, name) for path in files for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.M)}

    assert set() == written - set(TESTS)
