"""`/api/v2`: what deployments were at a time, and what differs between two."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.basics import WireModel


class DeploymentThen(WireModel):
    """What a deployment was from `fromAt` on, until its next line of the history."""

    id: str
    label: str
    prediction_environment_id: str
    prediction_environment_name: str
    package_name: str
    package_version: str
    package_digest: str
    wanted_running: bool
    generation: int
    state: DeploymentState
    health: Health
    from_at: datetime


class DeploymentsThen(WireModel):
    """All deployments at a time, by id; `since` is from when on times can be asked for."""

    as_of: datetime
    since: datetime
    count: int
    data: list[DeploymentThen]


class Difference(StrEnum):
    """What became of a deployment between two times."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class DeploymentDifference(WireModel):
    """A deployment that is not what it was; `fields` names what differs, but not since when."""

    id: str
    difference: Difference
    before: DeploymentThen | None
    after: DeploymentThen | None
    fields: list[str]


class DeploymentDifferences(WireModel):
    """What differs between two times, by id."""

    from_time: datetime
    to_time: datetime
    since: datetime
    count: int
    data: list[DeploymentDifference]
