"""Which change a deployment's state allows, and the state that follows.

| action | allowed from | then |
|---|---|---|
| `deployment_launch` | stopped (a new deployment is), errored | launching |
| `deployment_relaunch` | launching, ready, replacing_model, errored, unknown | launching |
| `deployment_replace_model`, `deployment_rollback` | ready, errored, unknown | replacing_model |
| `deployment_stop` | anything but stopped | stopping |

Stopping what is stopped is refused (`transition`): nothing would change, and a caller who needs certainty asks for the
deployment's status instead.
"""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.deployments import DeploymentState

_EVERY = frozenset(DeploymentState)

ALLOWED_FROM = {
    ActionType.DEPLOYMENT_LAUNCH: frozenset({DeploymentState.STOPPED, DeploymentState.ERRORED}),
    ActionType.DEPLOYMENT_RELAUNCH: _EVERY - {DeploymentState.STOPPED, DeploymentState.STOPPING},
    ActionType.DEPLOYMENT_REPLACE_MODEL: frozenset(
        {DeploymentState.READY, DeploymentState.ERRORED, DeploymentState.UNKNOWN}
    ),
    ActionType.DEPLOYMENT_ROLLBACK: frozenset(
        {DeploymentState.READY, DeploymentState.ERRORED, DeploymentState.UNKNOWN}
    ),
    ActionType.DEPLOYMENT_STOP: _EVERY - {DeploymentState.STOPPED},
}
"""Action type -> states from which it is accepted."""

_THEN = {
    ActionType.DEPLOYMENT_LAUNCH: DeploymentState.LAUNCHING,
    ActionType.DEPLOYMENT_RELAUNCH: DeploymentState.LAUNCHING,
    ActionType.DEPLOYMENT_REPLACE_MODEL: DeploymentState.REPLACING_MODEL,
    ActionType.DEPLOYMENT_ROLLBACK: DeploymentState.REPLACING_MODEL,
    ActionType.DEPLOYMENT_STOP: DeploymentState.STOPPING,
}


def next_state(action_type: ActionType, state: DeploymentState) -> DeploymentState:
    """Return the state while an accepted change is under way.

    Args:
        action_type: One that changes hosts.
        state: Where the deployment is.

    Raises:
        TransitionError: Not from there; the message lists what is allowed.
    """
    if state not in ALLOWED_FROM[action_type]:
        allowed = [other.value for other, states in ALLOWED_FROM.items() if state in states]
        raise errors.TransitionError(
            f"{action_type.value} is not possible while the deployment is {state.value};"
            f" possible now: {', '.join(allowed)}"
        )
    return _THEN[action_type]
