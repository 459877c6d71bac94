"""Actions: accepted requests, their claims, and the value that an agent is handed.

```
 pending --claim--> running --result--> succeeded | failed | canceled | unknown
    |                  '--claim expired or released--> running again as attempt n+1
    '--newer action of the deployment--> superseded        pending --cancel--> canceled
```
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.run_parameters import RunParameter


class ActionType(StrEnum):
    """What can be asked for; the word is also the playbook's file name, but for a dry run, which has that of what it would do."""

    DEPLOYMENT_LAUNCH = "deployment_launch"
    DEPLOYMENT_REPLACE_MODEL = "deployment_replace_model"
    DEPLOYMENT_STOP = "deployment_stop"
    DEPLOYMENT_RELAUNCH = "deployment_relaunch"
    DEPLOYMENT_ROLLBACK = "deployment_rollback"
    DEPLOYMENT_DRY_RUN = "deployment_dry_run"
    DEPLOYMENT_STATUS = "deployment_status"
    ENVIRONMENT_STATUS = "environment_status"


CHANGING = frozenset(
    {
        ActionType.DEPLOYMENT_LAUNCH,
        ActionType.DEPLOYMENT_REPLACE_MODEL,
        ActionType.DEPLOYMENT_STOP,
        ActionType.DEPLOYMENT_RELAUNCH,
        ActionType.DEPLOYMENT_ROLLBACK,
    }
)
"""Actions that change hosts: each has a generation of its own and is fenced."""

REPLACING = frozenset({ActionType.DEPLOYMENT_REPLACE_MODEL, ActionType.DEPLOYMENT_ROLLBACK})
"""Changes that bring another model beside the one that serves."""

NEEDS_PACKAGE = CHANGING - {ActionType.DEPLOYMENT_STOP}
"""Actions that bring a model to hosts."""


class ActionStatus(StrEnum):
    """Position of an action."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


FINAL = frozenset(ActionStatus) - {ActionStatus.PENDING, ActionStatus.RUNNING}
"""Statuses that an action does not leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """An action as it was accepted: all that rendering needs, never changed afterwards.

    Attributes:
        id: 24 hex digits.
        type: What to do.
        environment_id: Where; the agent's own configuration binds it to an inventory.
        environment_name: For people.
        deployment: The one deployment; None for `environment_status`.
        deployments: For status actions: every deployment to look at.
        minimum_healthy_seconds: How long a new model must stay ready before it gets traffic.
        ready_timeout_seconds: How long it may take to become ready.
        stop_timeout_seconds: How long a model server may take to end by itself; an older agent waits 10 s.
        timeout_seconds: For the whole run.
        requested_at: Aware, UTC.
        would: For a dry run: the change whose effects are told and not made; its target has the generation that the
            change would get. None for everything else.
        limit: Inventory names of the only hosts that are meant; empty for all of the environment.
        key_values: Run parameters, by name: data for the run, never a secret; an older agent hands on none.
    """

    id: str
    type: ActionType
    environment_id: str
    environment_name: str
    deployment: DeploymentTarget | None = None
    deployments: tuple[DeploymentTarget, ...] = ()
    minimum_healthy_seconds: float = 0.0
    ready_timeout_seconds: float = 60.0
    stop_timeout_seconds: float = 10.0
    timeout_seconds: float = 600.0
    requested_at: datetime
    would: ActionType | None = None
    limit: tuple[str, ...] = ()
    key_values: tuple[RunParameter, ...] = ()

    @property
    def work(self) -> ActionType:
        """What hosts do, or would do: the playbook's name."""
        return self.would or self.type

    @property
    def dry(self) -> bool:
        """Whether nothing may change."""
        return self.type is ActionType.DEPLOYMENT_DRY_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An action in the hands of one agent.

    Attributes:
        spec: The action.
        attempt: Number of this claim, from 1; the host's fence compares (generation, attempt).
        expires_at: Aware, UTC, by the control plane's clock; a heartbeat moves it.
        heartbeat_seconds: How often to send one.
        cancel_requested: Somebody canceled while nobody worked on it: nothing new is begun, what was begun is observed.
    """

    spec: ActionSpec
    attempt: int
    expires_at: datetime
    heartbeat_seconds: float
    cancel_requested: bool = False


def default_minimum_healthy_seconds(action_type: ActionType) -> float:
    """Return the design's default: 5 s for a replacement, 0 s for everything else: a rollback is in a hurry."""
    return 5.0 if action_type is ActionType.DEPLOYMENT_REPLACE_MODEL else 0.0
