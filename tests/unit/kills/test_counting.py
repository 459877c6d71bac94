"""What the oracle of `scripts/kills` counts in an effects log, and which rounds there are."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.kills.agent import STEPS
from tests.kills.barriers import Barrier
from tests.kills.effects import Effect, find_doubled
from tests.kills.plans import ACTIONS, HOST_STEPS, MODULE, batches, plan_rounds
from tests.kills.reaching import reach
from tests.kills.standing import require_unrecorded


def effects(*lines: tuple[tuple[int, int], str]) -> tuple[Effect, ...]:
    return tuple(Effect(pair, "switch", what, "") for pair, what in lines)


def test_a_plain_replace_is_not_doubled():
    """Each release takes the port once."""
    log = effects(((1, 1), "slot a started on port 1"), ((2, 1), "slot a stopped, slot b takes port 1"))

    assert () == find_doubled(log)


def test_a_lower_pair_after_a_higher_one_is_doubled():
    """An old attempt has changed the host after a newer one."""
    log = effects(((2, 2), "release 2 installed"), ((2, 1), "slot b started on port 2 for the gate"))

    assert 1 == len(find_doubled(log))


def test_taking_the_port_twice_is_doubled():
    """Nothing was undone in between."""
    log = effects(((2, 1), "slot a stopped, slot b takes port 1"), ((2, 2), "slot b stopped, slot a takes port 1"))

    assert 1 == len(find_doubled(log))


def replaced(pair: tuple[int, int], new: str, old: str) -> tuple[Effect, ...]:
    """Return the lines of a whole replace, as a host writes them."""
    words = (
        f"release {pair[0]} installed",
        f"slot {new} started on port 20001 for the gate",
        f"slot {new} stopped",
        f"slot {new} started beside slot {old}",
        f"slot {old} stopped, slot {new} takes port 20000",
    )
    return effects(*((pair, what) for what in words))


def test_two_replaces_are_not_doubled():
    """Each has a generation of its own, and a candidate that is stopped after its gate."""
    assert () == find_doubled([*replaced((2, 1), "b", "a"), *replaced((3, 1), "a", "b")])


def test_a_whole_replace_done_twice_is_doubled():
    """The candidate's end between them undoes nothing."""
    assert 1 == len(find_doubled([*replaced((2, 1), "b", "a"), *replaced((2, 2), "a", "b")]))


def test_a_launch_done_twice_is_doubled():
    """The second start finds the first one's slot still serving."""
    log = effects(((1, 1), "slot a started on port 1"), ((1, 2), "slot b started on port 1"))

    assert 1 == len(find_doubled(log))


def test_a_launch_after_its_first_slot_was_swept_is_not_doubled():
    """What a killed attempt left is stopped before the next one starts."""
    log = effects(
        ((1, 1), "slot a started on port 1"),
        ((1, 2), "slot a was left by an earlier run and is stopped"),
        ((1, 2), "slot a started on port 1"),
    )

    assert () == find_doubled(log)


def test_recording_what_serves_twice_is_doubled():
    """It was written down before."""
    line = "slot b, which serves already, is recorded"

    assert 1 == len(find_doubled(effects(((2, 2), line), ((2, 3), line))))


def test_taking_the_port_again_after_a_way_back_is_not_doubled():
    """The old model came back, and the switch was done anew."""
    log = effects(
        ((2, 1), "slot a stopped, slot b takes port 1"),
        ((2, 1), "slot a came back"),
        ((2, 2), "slot a stopped, slot b takes port 1"),
    )

    assert () == find_doubled(log)


def test_a_step_that_is_written_down_already_is_refused(tmp_path):
    """A round must not count a step whose effect is in the host's files."""
    facts = {"generation": 2, "attempt": 1, "what": "", "pid": 7}
    (tmp_path / "result.json").write_text('{"generation": 2, "attempt": 1}')
    (tmp_path / "fence.json").write_text('{"generation": 2, "attempt": 1, "holder": {"pid": 7}}')

    with pytest.raises(AssertionError, match="is written down already"):
        require_unrecorded(tmp_path, "write:result.1", facts)
    with pytest.raises(AssertionError, match="is written down already"):
        require_unrecorded(tmp_path, "write:fence.1", facts)
    assert "holder 7" in require_unrecorded(tmp_path, "write:fence.2", facts)
    assert "live generation None" in require_unrecorded(tmp_path, "write:state.1", facts)


@pytest.mark.parametrize("traffic", HOST_STEPS)
def test_every_named_step_is_played_three_times_for_every_action(traffic):
    """But for the heartbeat, and the package that a stop does not fetch."""
    rounds = plan_rounds(traffic=traffic, per_step=3, moments=20, only=["*/plain/*"], seed=1)
    played = Counter((one.action, one.step) for one in rounds)
    agents = {(action, step.name) for action in ACTIONS for step in STEPS}
    agents -= {("launch", "heartbeat"), ("stop", "heartbeat"), ("stop", "fetch")}
    hosts = {(action, step) for action, steps in HOST_STEPS[traffic].items() for step in steps}

    assert [] == [step for step in agents | hosts if played[step] < 3]


def test_only_rounds_that_kill_their_own_module_are_played_together():
    """Who kills the agent disturbs the others."""
    rounds = plan_rounds(traffic="haproxy", per_step=1, moments=4, only=["*"], seed=1)

    together = [batch for batch in batches(rounds, 3) if len(batch) > 1]

    assert {MODULE} == {one.victim for batch in together for one in batch}
    assert list(rounds) == [one for batch in batches(rounds, 3) for one in batch]


def test_a_step_is_taken_by_matching_facts_only(tmp_path):
    """A process with other facts goes on at once; the first that matches says who it is."""
    barrier = Barrier.arm(tmp_path, "agent", "plan", attempt=2)
    barrier.release()

    reach(str(tmp_path), "agent", "plan", {"attempt": 1})
    reach(str(tmp_path), "agent", "plan", {"attempt": 2})

    assert 2 == barrier.wait(60)["attempt"]
