"""`/api/v2`: prediction environments and the hosts of their snapshots."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.wire.basics import LABEL_PATTERN, HealthStatus, WireModel


class PredictionEnvironmentIn(WireModel):
    """Body of `POST predictionEnvironments/`."""

    name: str = Field(min_length=1, max_length=512, pattern=LABEL_PATTERN)
    platform: str = "onPremise"
    description: str = Field(default="", max_length=10_000)
    supported_model_formats: list[str] = Field(default=["externalModel"])
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


class EnvironmentBrief(WireModel):
    """An environment inside another object."""

    id: str
    name: str
    platform: str
    is_managed_by_management_agent: bool
