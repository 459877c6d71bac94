"""`/api/v2`: what each host last made of each deployment."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.wire.basics import WireModel


class DeploymentHost(WireModel):
    """One host's own newest result of one deployment: of an action on it, or of a look at it.

    `digest` and `generation` are of the model that was last proved to serve there, null when none was; `inStep` tells
    whether that is the wanted one; `drift` how a look found it to differ. `since` is when this result first was as it is.
    """

    deployment_id: str
    prediction_environment_id: str
    host: str
    outcome: Outcome
    cause: Cause | None
    drift: Drift | None = None
    message: str
    digest: str | None
    generation: int | None
    in_step: bool
    action_id: str
    since: datetime
