"""`/api/v2`: actions, and the agents that carry them out."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.wire.basics import WireModel


class ActionBrief(WireModel):
    """An action inside another object."""

    id: str
    type: ActionType
    status: ActionStatus


class ActionIn(WireModel):
    """Body of `POST deployments/{id}/actions/` (stop, relaunch, status) and of an environment's (status)."""

    type: ActionType
    minimum_healthy_seconds: float | None = Field(default=None, ge=0, le=3600)
    timeout_seconds: float | None = Field(default=None, ge=1, le=86_400)


class Action(WireModel):
    """An action with all that is known of it; `hosts` is filled when it has ended."""

    id: str
    type: ActionType
    status: ActionStatus
    prediction_environment_id: str
    deployment_id: str | None
    generation: int | None
    attempt: int
    agent: str | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    outcome: Outcome | None
    cause: Cause | None
    message: str
    progress: str
    hosts: list[HostOutcome] = Field(default=[])


class ActionAccepted(WireModel):
    """Answer 202 of everything that makes an action; `Location` names `status/{action_id}/`."""

    id: str
    action_id: str | None


class Agent(WireModel):
    """An agent, as it last announced itself."""

    name: str
    instance_id: str
    version: str
    environment_ids: list[str]
    first_seen_at: datetime
    last_seen_at: datetime
