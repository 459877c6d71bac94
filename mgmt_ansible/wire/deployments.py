"""`/api/v2`: deployments, and what is asked of them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.actions import ActionBrief
from mgmt_ansible.wire.basics import LABEL_PATTERN, NAME_PATTERN, HealthStatus, WireModel
from mgmt_ansible.wire.deployment_details import (
    Capabilities,
    DeployedModel,
    DeploymentSettings,
    Governance,
    Owners,
    PredictionUsage,
)
from mgmt_ansible.wire.environments import EnvironmentBrief
from mgmt_ansible.wire.packages import PackageBrief
from mgmt_ansible.wire.tags import Tag

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


DEPLOYMENT_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class Endpoint(WireModel):
    """Where one host answers predictions, as last proved there."""

    host: str
    url: str
    port: int
    digest: str
    generation: int
    pid: int


class Deployment(WireModel):
    """A deployment: `status` is the vendor's word, `state` ours.

    `service_health` is the worse of the agent's newest word (`agent_health`) and of what other monitors said last.
    """

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
    agent_health: HealthStatus = Field(default=HealthStatus(status=Health.UNKNOWN))
    model_health: HealthStatus = Field(default=HealthStatus(status=Health.UNKNOWN))
    accuracy_health: HealthStatus = Field(default=HealthStatus(status=Health.UNKNOWN))
    fairness_health: HealthStatus = Field(default=HealthStatus(status=Health.UNKNOWN))
    model: DeployedModel | None = None
    current_action: ActionBrief | None = None
    endpoints: list[Endpoint] = Field(default=[])
    prediction_url: str | None = None
    tags: list[Tag] = Field(default=[])
    user_provided_id: str | None = None
    approval_status: str = "APPROVED"
    governance: Governance = Field(default=Governance())
    opened_change_requests: list[str] = Field(default=[])
    owners: Owners = Field(default=Owners(count=0))
    permissions: list[str] = Field(default=[])
    prediction_usage: PredictionUsage = Field(default=PredictionUsage())
    capabilities: Capabilities = Field(default=Capabilities())
    settings: DeploymentSettings = Field(default=DeploymentSettings())
    default_prediction_server: dict[str, str] | None = None


class DeploymentIn(WireModel):
    """Body of `POST deployments/fromModelPackage/`.

    `deployment_id` is ours: the id to use (it becomes a folder name on hosts); without it one is made. Launching starts
    at once unless `launch` is false.
    """

    model_package_id: str
    label: str = Field(min_length=1, max_length=512, pattern=LABEL_PATTERN)
    prediction_environment_id: str
    description: str | None = Field(default="", max_length=10_000)
    importance: str | None = Field(default="LOW", pattern="^(CRITICAL|HIGH|MODERATE|LOW)$")
    user_provided_id: str | None = Field(default=None, min_length=1, max_length=512, pattern=LABEL_PATTERN)
    deployment_id: str | None = Field(default=None, pattern=DEPLOYMENT_ID_PATTERN)
    port: int | None = Field(default=None, ge=1, le=65_535)
    launch: bool = True
    minimum_healthy_seconds: float | None = Field(default=None, ge=0, le=3600)
    timeout_seconds: float | None = Field(default=None, ge=1, le=86_400)


class DeploymentPatch(WireModel):
    """Body of `PATCH deployments/{id}/`; absent fields stay.

    `owner` is ours: the name of a user, or of a service's token, that sees the deployment's environment.
    """

    label: str | None = Field(default=None, min_length=1, max_length=512, pattern=LABEL_PATTERN)
    description: str | None = Field(default=None, max_length=10_000)
    importance: str | None = Field(default=None, pattern="^(CRITICAL|HIGH|MODERATE|LOW)$")
    owner: str | None = Field(default=None, min_length=1, max_length=128, pattern=NAME_PATTERN)


class ModelReplacement(WireModel):
    """Body of `PATCH deployments/{id}/model/`; reasons are the vendor's. `dry_run` tells what it would do."""

    model_package_id: str
    reason: str = Field(default="OTHER", pattern="^(ACCURACY|DATA_DRIFT|ERRORS|SCHEDULED_REFRESH|SCORING_SPEED|OTHER)$")
    minimum_healthy_seconds: float | None = Field(default=None, ge=0, le=3600)
    timeout_seconds: float | None = Field(default=None, ge=1, le=86_400)
    dry_run: bool = False


class DeploymentStatusIn(WireModel):
    """Body of `PATCH deployments/{id}/status/`: `inactive` stops, `active` launches again."""

    status: str = Field(pattern="^(active|inactive)$")
