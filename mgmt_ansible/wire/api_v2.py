"""`/api/v2`: the vendor-compatible REST shapes (camelCase JSON), and our own additions in the same manner.

Routes, fields and answers are listed in docs/reference/http-api.md. Every model ignores unknown keys on input, as public
clients send more than we use.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.runs import RunStatus

VENDOR_STATUS = {
    DeploymentState.LAUNCHING: "launching",
    DeploymentState.READY: "active",
    DeploymentState.REPLACING_MODEL: "replacingModel",
    DeploymentState.STOPPING: "stopping",
    DeploymentState.STOPPED: "inactive",
    DeploymentState.ERRORED: "errored",
    DeploymentState.UNKNOWN: "unknown",
}
"""Our deployment state -> the vendor's `status` word."""

LABEL_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
"""No control characters, the C1 ones of terminals included, and nothing that turns the direction of text."""

DEPLOYMENT_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"

_T = TypeVar("_T")


class WireModel(BaseModel):
    """camelCase outside, snake_case inside; either is read."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Page(WireModel, Generic[_T]):
    """The paging envelope: `next` and `previous` are URLs or null."""

    count: int
    total_count: int
    next: str | None = None
    previous: str | None = None
    data: list[_T]


class Version(WireModel):
    """`GET version/`: the API version that the vendor's clients check, and ours."""

    version_string: str
    major: int
    minor: int
    mgmt_ansible_version: str


class HealthStatus(WireModel):
    """A health as the vendor shapes it."""

    status: Health
    message: str = ""
    start_date: datetime | None = None
    end_date: datetime | None = None


class PredictionEnvironmentIn(WireModel):
    """Body of `POST predictionEnvironments/`."""

    name: str = Field(min_length=1, max_length=512, pattern=LABEL_PATTERN)
    platform: str = "onPremise"
    description: str = Field(default="", max_length=10_000)
    supported_model_formats: list[str] = ["externalModel"]
    is_managed_by_management_agent: bool = True
    status_interval_seconds: float = Field(default=60.0, ge=0, le=86_400)


class PredictionEnvironmentPatch(WireModel):
    """Body of `PATCH predictionEnvironments/{id}/`; absent fields stay."""

    name: str | None = Field(default=None, min_length=1, max_length=512, pattern=LABEL_PATTERN)
    description: str | None = Field(default=None, max_length=10_000)
    status_interval_seconds: float | None = Field(default=None, ge=0, le=86_400)


class PredictionEnvironment(WireModel):
    """A prediction environment; `status_interval_seconds` 0 means no periodic status."""

    id: str
    name: str
    platform: str
    description: str
    supported_model_formats: list[str]
    is_managed_by_management_agent: bool
    managed_by: str
    status_interval_seconds: float
    health: HealthStatus
    created_at: datetime


class EnvironmentHost(WireModel):
    """A host of an environment's snapshot."""

    name: str
    groups: list[str]
    prediction_environment_id: str
    taken_at: datetime


class ModelPackage(WireModel):
    """A model package; `modelId` is the digest, so that equal content has one identity."""

    id: str
    name: str
    version: str
    digest: str
    archive_sha256: str
    archive_bytes: int
    runtime: str
    model_id: str
    model_execution_type: str = "external"
    build_status: str = "complete"
    created_at: datetime


class PackageBrief(WireModel):
    """A package inside another object."""

    id: str
    name: str
    version: str
    digest: str
    registered_model_id: str | None = None


class EnvironmentBrief(WireModel):
    """An environment inside another object."""

    id: str
    name: str
    platform: str
    is_managed_by_management_agent: bool


class ActionBrief(WireModel):
    """An action inside another object."""

    id: str
    type: ActionType
    status: ActionStatus


class Endpoint(WireModel):
    """Where one host answers predictions, as last proved there."""

    host: str
    url: str
    port: int
    digest: str
    generation: int
    pid: int


class Deployment(WireModel):
    """A deployment: `status` is the vendor's word, `state` ours."""

    id: str
    label: str
    description: str
    status: str
    state: DeploymentState
    importance: str
    generation: int
    port: int | None
    created_at: datetime
    updated_at: datetime
    model_package: PackageBrief
    prediction_environment: EnvironmentBrief
    service_health: HealthStatus
    current_action: ActionBrief | None = None
    endpoints: list[Endpoint] = []
    prediction_url: str | None = None


class DeploymentIn(WireModel):
    """Body of `POST deployments/fromModelPackage/`.

    `deployment_id` is ours: the id to use (it becomes a folder name on hosts); without it one is made. Launching starts
    at once unless `launch` is false.
    """

    model_package_id: str
    label: str = Field(min_length=1, max_length=512, pattern=LABEL_PATTERN)
    prediction_environment_id: str
    description: str = Field(default="", max_length=10_000)
    importance: str = Field(default="LOW", pattern="^(CRITICAL|HIGH|MODERATE|LOW)$")
    deployment_id: str | None = Field(default=None, pattern=DEPLOYMENT_ID_PATTERN)
    port: int | None = Field(default=None, ge=1, le=65_535)
    launch: bool = True
    minimum_healthy_seconds: float | None = Field(default=None, ge=0, le=3600)
    timeout_seconds: float | None = Field(default=None, ge=1, le=86_400)


class DeploymentPatch(WireModel):
    """Body of `PATCH deployments/{id}/`; absent fields stay."""

    label: str | None = Field(default=None, min_length=1, max_length=512, pattern=LABEL_PATTERN)
    description: str | None = Field(default=None, max_length=10_000)
    importance: str | None = Field(default=None, pattern="^(CRITICAL|HIGH|MODERATE|LOW)$")


class ModelReplacement(WireModel):
    """Body of `PATCH deployments/{id}/model/`; reasons are the vendor's."""

    model_package_id: str
    reason: str = Field(default="OTHER", pattern="^(ACCURACY|DATA_DRIFT|ERRORS|SCHEDULED_REFRESH|SCORING_SPEED|OTHER)$")
    minimum_healthy_seconds: float | None = Field(default=None, ge=0, le=3600)
    timeout_seconds: float | None = Field(default=None, ge=1, le=86_400)


class DeploymentStatusIn(WireModel):
    """Body of `PATCH deployments/{id}/status/`: `inactive` stops, `active` launches again."""

    status: str = Field(pattern="^(active|inactive)$")


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
    hosts: list[HostOutcome] = []


class ActionAccepted(WireModel):
    """Answer 202 of everything that makes an action; `Location` names `status/{action_id}/`."""

    id: str
    action_id: str | None


class DeploymentEvent(WireModel):
    """An entry of the feed; `statusType` is the vendor's success, failure, warning or info."""

    id: str
    sequence: int
    type: str
    status_type: str
    health: Health
    title: str
    message: str
    timestamp: datetime
    received_at: datetime
    prediction_environment_id: str
    deployment_id: str | None
    action_id: str | None
    run_id: str | None
    generation: int | None
    host: str | None
    actor: str
    data: dict[str, object]


class Run(WireModel):
    """One execution of one playbook."""

    id: str
    action_id: str
    prediction_environment_id: str
    deployment_id: str | None
    attempt: int
    wave: int
    playbook: str
    request_hash: str
    status: RunStatus
    message: str
    started_at: datetime
    ended_at: datetime
    ansible_version: str
    hosts: list[HostOutcome]
    log_tail: str = ""


class Agent(WireModel):
    """An agent, as it last announced itself."""

    name: str
    instance_id: str
    version: str
    environment_ids: list[str]
    first_seen_at: datetime
    last_seen_at: datetime


class AccessTokenIn(WireModel):
    """Body of `POST accessTokens/`; an agent token names the environments that it may serve."""

    name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._@ -]+$")
    kind: str = Field(pattern="^(user|agent)$")
    prediction_environment_ids: list[str] = []


class AccessToken(WireModel):
    """A token; `token` is in the answer to its creation only."""

    id: str
    name: str
    kind: str
    prediction_environment_ids: list[str]
    created_at: datetime
    token: str | None = None


class LoginLink(WireModel):
    """A one-time link that opens the pages; `path` is relative to the control plane's URL."""

    path: str
    expires_at: datetime


class Problem(WireModel):
    """Every error answer: a stable code, a sentence, and the request's id for the log."""

    code: str
    message: str
    request_id: str
