"""Transitions: what is allowed from where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.control_plane.transitions import ALLOWED_FROM, next_state
from mgmt_ansible.domain.actions import CHANGING, ActionType
from mgmt_ansible.domain.deployments import DeploymentState

_UNDER_WAY = {DeploymentState.LAUNCHING, DeploymentState.REPLACING_MODEL, DeploymentState.STOPPING}


def test_every_change_has_a_rule():
    """A new action type cannot be forgotten."""
    assert set(CHANGING) == set(ALLOWED_FROM)


@given(st.sampled_from(sorted(CHANGING)), st.sampled_from(DeploymentState))
def test_a_change_is_accepted_or_told_what_is_possible(action_type: ActionType, state: DeploymentState):
    """Accepted means that something is under way; refused names a way on that works."""
    try:
        assert next_state(action_type, state) in _UNDER_WAY
    except errors.TransitionError as exc:
        possible = str(exc).partition("possible now: ")[2].split(", ")
        assert possible
        assert all(next_state(ActionType(name), state) in _UNDER_WAY for name in possible)


@given(st.lists(st.sampled_from(sorted(CHANGING)), max_size=30))
def test_no_sequence_of_changes_gets_stuck(asked: list[ActionType]):
    """From wherever one comes, something is always possible."""
    state = DeploymentState.STOPPED
    for action_type in asked:
        if state in ALLOWED_FROM[action_type]:
            state = next_state(action_type, state)

    assert any(state in states for states in ALLOWED_FROM.values())


@pytest.mark.parametrize(
    ("action_type", "state"),
    [
        (ActionType.DEPLOYMENT_LAUNCH, DeploymentState.READY),
        (ActionType.DEPLOYMENT_REPLACE_MODEL, DeploymentState.STOPPED),
        (ActionType.DEPLOYMENT_REPLACE_MODEL, DeploymentState.LAUNCHING),
        (ActionType.DEPLOYMENT_RELAUNCH, DeploymentState.STOPPED),
        (ActionType.DEPLOYMENT_STOP, DeploymentState.STOPPED),
    ],
)
def test_these_are_refused(action_type: ActionType, state: DeploymentState):
    """The rules that people meet."""
    with pytest.raises(errors.TransitionError, match=state.value):
        next_state(action_type, state)
