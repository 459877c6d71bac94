"""A few cells of `scripts/faults`, and that its judge can find fault."""

from __future__ import annotations

import pytest

from tests.faults import cells
from tests.faults.injuring import INJURIES
from tests.faults.managed import DEPLOYMENT, ManagedHost

OLD, NEW = 4, 5
INJURY = {one.name: one for one in INJURIES}
CELLS = (("step:switch", "kill-agent"), ("step:gate", "kill-new-model"))


def outcome(said, *, old_model_in_use=False):
    return {"outcome": said, "old_model_in_use": old_model_in_use}


@pytest.mark.parametrize(
    ("said", "answered", "recorded"),
    [
        (outcome("changed"), NEW, NEW),
        (outcome("ok"), NEW, NEW),
        (outcome("rolled_back", old_model_in_use=True), OLD, OLD),
        (outcome("failed", old_model_in_use=True), OLD, OLD),
        (outcome("degraded"), None, OLD),
    ],
)
def test_what_is_promised_is_no_fault(said, answered, recorded):
    """The model that is claimed answers and is recorded, or the outcome says that nobody does."""
    assert cells.find_fault(said, OLD, NEW, answered, recorded) == ""


@pytest.mark.parametrize(
    ("said", "answered", "recorded"),
    [
        (outcome("changed"), OLD, OLD),
        (outcome("changed"), NEW, OLD),
        (outcome("changed"), None, NEW),
        (outcome("rolled_back", old_model_in_use=True), NEW, NEW),
        (outcome("rolled_back", old_model_in_use=True), None, OLD),
        (outcome("failed"), OLD, OLD),
        (outcome("failed", old_model_in_use=True), 3, 3),
        (outcome("unknown"), NEW, NEW),
        (outcome("unreachable"), OLD, OLD),
    ],
)
def test_a_broken_promise_is_found(said, answered, recorded):
    """Another model answers than is claimed or recorded, or nobody does and the outcome hides it."""
    assert cells.find_fault(said, OLD, NEW, answered, recorded) != ""


def test_a_replace_survives_a_fault_at_a_step(plain_host, tmp_path):
    """What answers afterwards is what is recorded, and the outcome says which."""
    plain_host.dirty = True
    managed = ManagedHost(plain_host, tmp_path)
    played = [cells.play(managed, f"{DEPLOYMENT}-{step}", INJURY[fault]) for step, fault in CELLS]
    assert ["", ""] == [cell.fault_text for cell in played], played
    assert ["new", "old"] == [cell.verdict for cell in played], played
