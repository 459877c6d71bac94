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
    """Body of `POST deployments/{id}/actions/` (stop, relaunch, rollback, status) and of an environment's (status).

    `dry_run` tells what the action would do, and does nothing; `failed_only` relaunches hosts that failed, and no others.
    """

    type: ActionType
    dry_run: bool = False
    failed_only: bool = False
    minimum_healthy_seconds: float | None = Field(default=None, ge=0, le=3600)
    timeout_seconds: float | None = Field(default=None, ge=1, le=86_400)


class Action(WireModel):
    """An action with all that is known of it; `hosts` is filled when it has ended.

    `would` is the change that a dry run is about; `limit` names the only hosts that are meant, none for all.
    """

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
    would: ActionType | None = None
    limit: list[str] = Field(default=[])
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
