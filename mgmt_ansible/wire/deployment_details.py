"""`/api/v2`: what the vendor's clients read of a deployment beside what it is.

Much of it describes services that are not here (drift, accuracy, challengers, approvals): it says so, in the shape that
clients expect, and nothing of it can be switched on.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.wire.basics import WireModel
from mgmt_ansible.wire.packages import TargetType


class DeployedModel(WireModel):
    """The model that a deployment wants to serve; `id` is its package's `modelId`."""

    id: str
    type: str
    target_name: str | None = None
    target_type: TargetType | None = None
    deployed_at: datetime | None = None
    project_id: str | None = None
    project_name: str | None = None
    build_environment_type: str | None = None
    unsupervised_mode: bool = False
    unstructured_model_kind: bool = False
    is_deprecated: bool = False


class Owner(WireModel):
    """Somebody who owns a deployment: a user (with an id), or a service by the name of its token."""

    id: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str


class Owners(WireModel):
    """How many own it, and the first of them."""

    count: int
    preview: list[Owner] = Field(default=[])


class Governance(WireModel):
    """Approvals are not built: everything is approved, and nobody reviews."""

    approval_status: str = "APPROVED"
    has_opened_change_requests: bool = False
    reviewers: list[str] = Field(default=[])


class PredictionUsage(WireModel):
    """What monitors counted: predictions a day, oldest first, and shares of errors from 0 to 1."""

    daily_rates: list[int] = Field(default=[])
    server_error_rates: list[float] = Field(default=[])
    user_error_rates: list[float] = Field(default=[])
    last_timestamp: datetime | None = None


class Switched(WireModel):
    """A service of the vendor's that is switched on or off; here all are off."""

    enabled: bool = False


class FeatureDrift(Switched):
    """Drift of features."""

    feature_selection: str | None = None
    tracked_features: list[str] | None = None


class AssociationId(WireModel):
    """How predictions are matched with actuals, which are not kept here."""

    auto_generate_id: bool = False
    required_in_prediction_requests: bool = False
    column_names: list[str] | None = None


class SegmentAnalysis(Switched):
    """Statistics by segment."""

    attributes: list[str] = Field(default=[])


class PredictionsSettings(WireModel):
    """How many places compute predictions at the vendor's."""

    min_computes: int | None = None
    max_computes: int | None = None
    resource_bundle_id: str | None = None


class PredictionIntervals(Switched):
    """Intervals of predictions."""

    percentiles: list[int] = Field(default=[])


class PredictionWarning(Switched):
    """Warnings of predictions out of bounds."""

    custom_boundaries: dict[str, float] | None = None


class PredictionsByForecastDate(Switched):
    """Statistics by forecast date."""

    column_name: str | None = None
    datetime_format: str | None = None


class DeploymentSettings(WireModel):
    """`GET deployments/{id}/settings/`; a `PATCH` takes what says the same, and refuses to switch anything on."""

    association_id: AssociationId = Field(default=AssociationId())
    batch_monitoring: Switched = Field(default=Switched())
    bias_and_fairness: dict[str, object] | None = None
    challenger_models: Switched = Field(default=Switched())
    feature_drift: FeatureDrift = Field(default=FeatureDrift())
    humility: Switched = Field(default=Switched())
    prediction_intervals: PredictionIntervals = Field(default=PredictionIntervals())
    prediction_warning: PredictionWarning = Field(default=PredictionWarning())
    predictions_by_forecast_date: PredictionsByForecastDate = Field(default=PredictionsByForecastDate())
    predictions_data_collection: Switched = Field(default=Switched())
    predictions_settings: PredictionsSettings = Field(default=PredictionsSettings())
    segment_analysis: SegmentAnalysis = Field(default=SegmentAnalysis())
    target_drift: Switched = Field(default=Switched())


class ServiceHealthSettings(WireModel):
    """Over how many batches the vendor judges a service's health."""

    batch_count: int | None = None


class DriftHealthSettings(WireModel):
    """When the vendor calls drift a warning or a failure."""

    time_interval: str | None = None
    batch_count: int | None = None
    drift_threshold: float | None = None
    importance_threshold: float | None = None
    low_importance_warning_count: int | None = None
    low_importance_failing_count: int | None = None
    high_importance_warning_count: int | None = None
    high_importance_failing_count: int | None = None
    excluded_features: list[str] = Field(default=[])
    starred_features: list[str] = Field(default=[])


class AccuracyHealthSettings(WireModel):
    """When the vendor calls accuracy a warning or a failure."""

    batch_count: int | None = None
    metric: str | None = None
    measurement: str | None = None
    warning_threshold: float | None = None
    failing_threshold: float | None = None


class FairnessHealthSettings(WireModel):
    """When the vendor calls fairness a warning or a failure."""

    protected_class_warning_count: int | None = None
    protected_class_failing_count: int | None = None


class CustomMetricsHealthSettings(WireModel):
    """When the vendor calls custom metrics a warning or a failure."""

    warning_conditions: list[dict[str, object]] = Field(default=[])
    failing_conditions: list[dict[str, object]] = Field(default=[])


class TimelinessSettings(Switched):
    """How often predictions or actuals are expected."""

    expected_frequency: str | None = None


class DeploymentHealthSettings(WireModel):
    """`GET deployments/{id}/healthSettings/`: nothing is judged by thresholds here; monitors judge, and say so."""

    service: ServiceHealthSettings = Field(default=ServiceHealthSettings())
    data_drift: DriftHealthSettings = Field(default=DriftHealthSettings())
    accuracy: AccuracyHealthSettings = Field(default=AccuracyHealthSettings())
    fairness: FairnessHealthSettings = Field(default=FairnessHealthSettings())
    custom_metrics: CustomMetricsHealthSettings = Field(default=CustomMetricsHealthSettings())
    predictions_timeliness: TimelinessSettings = Field(default=TimelinessSettings())
    actuals_timeliness: TimelinessSettings = Field(default=TimelinessSettings())


class Capability(WireModel):
    """Whether something is supported, and if not why."""

    name: str
    supported: bool
    messages: list[str] = Field(default=[])


class Capabilities(WireModel):
    """The same as flags, as the deployment itself has them."""

    supports_model_replacement: bool = True
    supports_challenger_models: bool = False
    supports_drift_tracking: bool = False
    supports_feature_drift_tracking: bool = False
    supports_target_drift_tracking: bool = False
    supports_humility_rules: bool = False
    supports_prediction_intervals: bool = False
    supports_prediction_warning: bool = False
    supports_retraining: bool = False
    supports_segmented_analysis_drift_and_accuracy: bool = False


class SharedRole(WireModel):
    """Who may do what with a deployment: OWNER, USER or CONSUMER, by the role of their token."""

    id: str
    name: str
    role: str
    share_recipient_type: str = "user"


class ValidationCheck(WireModel):
    """One check before a replacement."""

    status: str
    message: str


class ModelValidationIn(WireModel):
    """Body of `POST deployments/{id}/model/validation/`."""

    model_package_id: str = Field(min_length=1, max_length=512)


class ModelValidation(WireModel):
    """Whether a package could replace the model: the worst of the checks (passing, warning, failing)."""

    status: str
    message: str
    checks: dict[str, ValidationCheck]
