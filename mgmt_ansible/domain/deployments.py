"""Deployments: one model served under one id in one prediction environment.

```
            deployment_launch             replace              gate failed, old serves
 (created) ----> launching ----> ready ----> replacing_model ----> ready
                     |             |              |
                     v             v              v
                  errored <--- (relaunch) ---> errored
                     |             |
                     '--> stopping +--> stopped       unknown: the agent could not tell; settled by observing
```
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mgmt_ansible.domain.model_packages import ModelPackage


class DeploymentState(StrEnum):
    """Position of a deployment; a failed replacement that kept the old model returns to `ready`."""

    LAUNCHING = "launching"
    READY = "ready"
    REPLACING_MODEL = "replacing_model"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ERRORED = "errored"
    UNKNOWN = "unknown"


IN_ACTION = "in_action"
"""A filter's word for any of `BUSY`."""

BUSY = (DeploymentState.LAUNCHING, DeploymentState.REPLACING_MODEL, DeploymentState.STOPPING)
"""States that an action holds."""

STATE_WORDS = (*(state.value for state in DeploymentState), IN_ACTION)
"""What a filter by state knows."""


def states_named(words: Iterable[str]) -> tuple[DeploymentState, ...]:
    """Return the states that words of `STATE_WORDS` mean, each once, in their order here; ValueError for another word."""
    named = {state for word in words for state in (BUSY if word == IN_ACTION else (DeploymentState(word),))}
    return tuple(state for state in DeploymentState if state in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTarget:
    """What one deployment should be, as frozen into an action.

    Attributes:
        id: Deployment id, `^[a-z0-9][a-z0-9_-]{0,63}$`: it is a folder name on hosts.
        label: What people call it; any text.
        generation: Number of this wanted state, from 1.
        package: What should be served; None when nothing should (stop, status of a stopped one).
        port: Stable TCP port; None lets each host choose a free one, once.
    """

    id: str
    label: str
    generation: int
    package: ModelPackage | None = None
    port: int | None = None
