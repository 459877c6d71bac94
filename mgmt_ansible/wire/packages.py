"""`/api/v2`: model packages, and the registered models whose versions they are."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel


class TargetType(StrEnum):
    """What a model predicts; the vendor's words."""

    REGRESSION = "Regression"
    BINARY = "Binary"
    MULTICLASS = "Multiclass"
    MULTILABEL = "Multilabel"
    ANOMALY = "Anomaly"
    UNSTRUCTURED = "Unstructured"
    TEXT_GENERATION = "TextGeneration"
    TRANSFORM = "Transform"


class ModelTarget(WireModel):
    """The target of a model, as its author told it; all null when nobody told."""

    name: str | None = Field(default=None, max_length=512)
    type: TargetType | None = None
    class_names: list[str] | None = Field(default=None, max_length=1000)
    class_count: int | None = Field(default=None, ge=0, le=2**31 - 1)
    prediction_threshold: float | None = None
    prediction_probabilities_column: str | None = Field(default=None, max_length=512)


class ModelDescription(WireModel):
    """What an author tells of a model; `location` is only told, nothing is fetched from there."""

    model_name: str | None = Field(default=None, max_length=512)
    description: str | None = Field(default=None, max_length=10_000)
    location: str | None = Field(default=None, max_length=2_048)
    build_environment_type: str | None = Field(default=None, max_length=64)


class ModelKind(WireModel):
    """Kinds that need more than a request and an answer; none of them is served here."""

    is_anomaly_detection_model: bool = False
    is_combined_model: bool = False
    is_decision_flow: bool = False
    is_feature_discovery: bool = False
    is_multiseries: bool = False
    is_time_series: bool = False
    is_unsupervised_learning: bool = False


class ModelPackage(WireModel):
    """A model package: a version of a registered model.

    `model_id` is the digest, so that equal content has one identity, unless its author told another. One that was made
    from JSON has no archive (`archive_bytes` 0, runtime `external`): only self-managed environments take it.
    """

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
    created_by: str = ""
    registered_model_id: str | None = None
    registered_model_version: int | None = None
    model_description: ModelDescription = Field(default=ModelDescription())
    target: ModelTarget = Field(default=ModelTarget())
    model_kind: ModelKind = Field(default=ModelKind())
    user_provided_id: str | None = None
    is_archived: bool = False
    is_deprecated: bool = False
    active_deployment_count: int = 0
    aliases: list[str] = Field(default=[])
    permissions: list[str] = Field(default=[])


class PackageBrief(WireModel):
    """A package inside another object."""

    id: str
    name: str
    version: str
    digest: str
    registered_model_id: str | None = None


class ModelPackageIn(WireModel):
    """Body of `POST modelPackages/fromJSON/`: a model that is served by others, known by its description only.

    Without `registered_model_id` it is a version of the registered model of `registered_model_name`, or of `name`, which
    is made when it is missing.
    """

    name: str = Field(min_length=1, max_length=256, pattern=LABEL_PATTERN)
    version: str | None = Field(default=None, min_length=1, max_length=256, pattern=LABEL_PATTERN)
    model_id: str | None = Field(default=None, min_length=1, max_length=256, pattern=LABEL_PATTERN)
    model_description: ModelDescription | None = None
    target: ModelTarget | None = None
    registered_model_id: str | None = Field(default=None, max_length=64)
    registered_model_name: str | None = Field(default=None, min_length=1, max_length=256, pattern=LABEL_PATTERN)
    user_provided_id: str | None = Field(default=None, min_length=1, max_length=256, pattern=LABEL_PATTERN)


class RegisteredModel(WireModel):
    """The packages of one name; versions are counted from 1, and no number is given twice."""

    id: str
    name: str
    description: str
    created_at: datetime
    created_by: str
    modified_at: datetime
    modified_by: str
    last_version_num: int
    version_count: int
    target: ModelTarget
    is_archived: bool = False
    is_global: bool = False
    aliases: list[ModelAlias] = Field(default=[])
    permissions: list[str] = Field(default=[])


class RegisteredModelPatch(WireModel):
    """Body of `PATCH registeredModels/{id}/`; absent fields stay, and packages keep the name that they were given."""

    name: str | None = Field(default=None, min_length=1, max_length=256, pattern=LABEL_PATTERN)
    description: str | None = Field(default=None, max_length=10_000)


class ModelAlias(WireModel):
    """A name that points to one version of a registered model."""

    alias: str
    model_package_id: str
    registered_model_version: int
    version: str
    set_by: str
    set_at: datetime


class ModelAliasIn(WireModel):
    """Body of `PUT registeredModels/{id}/aliases/{alias}/`."""

    model_package_id: str = Field(max_length=64)


class BuildAccepted(WireModel):
    """Answer 202 of a build: the file is there already, so that `Location` leads to it at once."""

    id: str


RegisteredModel.model_rebuild()
