"""`/api/v2`: what monitors report: events, and counts of predictions."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.monitors import EVENT_TYPE_PATTERN, Aspect
from mgmt_ansible.wire.basics import WireModel
from mgmt_ansible.wire.timestamps import VendorTime

MOST_ROWS = 10_000


class SpoolerChannelData(WireModel):
    """The channel that an event is about."""

    name: str = Field(max_length=512)
    type: str = Field(max_length=512)


class ModerationData(WireModel):
    """The guard that an event is about."""

    guard_name: str = Field(max_length=512)
    metric_name: str = Field(max_length=512)


class RemoteEventIn(WireModel):
    """Body of `POST remoteEvents/`: an entry for the feed, about a deployment or an environment."""

    event_type: str = Field(min_length=1, max_length=128, pattern=EVENT_TYPE_PATTERN)
    timestamp: VendorTime
    title: str = Field(default="", max_length=512)
    message: str = Field(default="", max_length=16_384)
    deployment_id: str | None = Field(default=None, max_length=64)
    prediction_environment_id: str | None = Field(default=None, max_length=64)
    org_id: str | None = Field(default=None, max_length=64)
    status_type: str | None = Field(default=None, pattern="^(success|failure|warning|info)$")
    data: dict[str, object] | None = None
    prediction_request_data: dict[str, object] | None = None
    spooler_channel_data: SpoolerChannelData | None = None
    moderation_data: ModerationData | None = None


class Message(WireModel):
    """An answer that only says that something was taken."""

    message: str


class MonitorWord(WireModel):
    """What a monitor said last of one health of a deployment; it counts until the model is replaced, launched anew or stopped."""

    monitor: str
    aspect: Aspect
    health: Health
    message: str
    event_type: str
    generation: int
    counts: bool
    timestamp: datetime
    received_at: datetime


class PredictionRequest(WireModel):
    """How many predictions one request made, and how it went; `execution_time` is in milliseconds."""

    timestamp: VendorTime | None = None
    model_id: str | None = Field(default=None, max_length=512)
    num_predictions: int | None = Field(default=None, ge=0, le=10**9)
    execution_time: float | None = Field(default=None, ge=0, le=86_400_000)
    user_error: bool | int = False
    system_error: bool | int = False


class PredictionRequestsIn(WireModel):
    """Body of `POST deployments/{id}/predictionRequests/fromJSON/`."""

    data: list[PredictionRequest] = Field(max_length=MOST_ROWS)


class MonitoredRow(WireModel):
    """A row whose contents are not kept: only that it came, and when."""

    timestamp: VendorTime | None = None


class PredictionInputsIn(WireModel):
    """Body of `POST deployments/{id}/predictionInputs/fromJSON/`: features and predictions, which are not kept."""

    data: list[MonitoredRow] = Field(max_length=MOST_ROWS)


class PredictionStatsIn(WireModel):
    """Body of `POST deployments/{id}/predictionStats/fromJSON/`: histograms, which are not kept."""

    data: list[MonitoredRow] = Field(max_length=MOST_ROWS)


class Actual(WireModel):
    """What came true; not kept."""

    association_id: str | int | float = Field(union_mode="left_to_right")
    actual_value: str | int | float | bool | None = None
    was_acted_on: bool | None = None
    timestamp: VendorTime | None = None


class ActualsIn(WireModel):
    """Body of `POST deployments/{id}/actuals/fromJSON/`."""

    data: list[Actual] = Field(max_length=MOST_ROWS)


class UsageCount(WireModel):
    """What monitors counted of a deployment on one day (UTC); `rows` is what came, `predictions` what they say."""

    day: str
    kind: str
    rows: int
    predictions: int
    user_errors: int
    server_errors: int
    execution_milliseconds: float
    last_received_at: datetime
