"""`/api/v2`: prediction environments and the hosts of their snapshots.

Words of platforms and model formats are the vendor's, from its public documentation.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel


class ManagedBy(StrEnum):
    """Who acts on an environment's hosts; the vendor's third word, `datarobot`, is refused."""

    MANAGEMENT_AGENT = "managementAgent"
    SELF_MANAGED = "selfManaged"


class Platform(StrEnum):
    """Where an environment is; a label that changes nothing here."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    ON_PREMISE = "onPremise"
    DATAROBOT = "datarobot"
    DATAROBOT_SERVERLESS = "datarobotServerless"
    OPEN_SHIFT = "openShift"
    OTHER = "other"
    SNOWFLAKE = "snowflake"
    SAP_AI_CORE = "sapAiCore"


class ModelFormat(StrEnum):
    """What may be deployed to an environment; only one of the first two."""

    DATAROBOT = "datarobot"
    SCORING_CODE = "datarobotScoringCode"
    CUSTOM_MODEL = "customModel"
    EXTERNAL_MODEL = "externalModel"


class PredictionEnvironmentPatch(WireModel):
    """Body of `PATCH predictionEnvironments/{id}/`; absent fields stay."""

    name: str | None = Field(default=None, min_length=1, max_length=512, pattern=LABEL_PATTERN)
    platform: Platform | None = None
    description: str | None = Field(default=None, max_length=10_000)
    supported_model_formats: list[ModelFormat] | None = Field(default=None, max_length=4)
    managed_by: ManagedBy | None = None
    is_managed_by_management_agent: bool | None = None
    plugin: str | None = Field(default=None, max_length=512, pattern=LABEL_PATTERN)
    priority: int | None = Field(default=None, ge=0, le=2**31 - 1)
    max_concurrent_batch_predictions_job: int | None = Field(default=None, ge=1, le=2**31 - 1)
    datastore_id: str | None = Field(default=None, max_length=64)
    credential_id: str | None = Field(default=None, max_length=64)
    status_interval_seconds: float | None = Field(default=None, ge=0, le=86_400)


class PredictionEnvironmentIn(PredictionEnvironmentPatch):
    """Body of `POST predictionEnvironments/`; `managed_by` and the flag say the same, one of them is enough."""

    name: str = Field(min_length=1, max_length=512, pattern=LABEL_PATTERN)
    platform: Platform = Platform.ON_PREMISE
    description: str | None = Field(default="", max_length=10_000)
    supported_model_formats: list[ModelFormat] = Field(default=[ModelFormat.EXTERNAL_MODEL], max_length=4)
    status_interval_seconds: float = Field(default=60.0, ge=0, le=86_400)


class EnvironmentHealth(WireModel):
    """The worst of its deployments' healths; `timestamp` is when one of them was last told of."""

    status: Health
    message: str = ""
    timestamp: datetime | None = None


class KeyedText(WireModel):
    """A pair of additional metadata."""

    key: str
    value: str


class ManagementMeta(WireModel):
    """The service account of a managed environment: the token by which its agent is known."""

    user_id: str
    username: str
    additional_metadata: list[KeyedText] = Field(default=[])


class ImportMeta(WireModel):
    """Who made an environment, and when."""

    creator_id: str | None = None
    creator_username: str
    date_created: datetime


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
    health: EnvironmentHealth
    created_at: datetime
    plugin: str | None = None
    priority: int | None = None
    max_concurrent_batch_predictions_job: int | None = None
    datastore_id: str | None = None
    credential_id: str | None = None
    permissions: list[str] = Field(default=[])
    is_deleted: bool = False
    import_meta: ImportMeta | None = None
    management_meta: ManagementMeta | None = None


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
    managed_by: str = ManagedBy.MANAGEMENT_AGENT.value
    plugin: str | None = None
    supported_model_formats: list[str] = Field(default=[])
