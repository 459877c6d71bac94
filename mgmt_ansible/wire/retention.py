"""`/api/v2`, continued: the shapes of retention, which are our own."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.event_filters import EventCategory
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.retention import LONGEST_KEEP_DAYS
from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel


class RetentionPolicyPatch(WireModel):
    """Body of `PATCH retentionPolicies/{id}/`; absent fields stay, an empty list asks nothing any more."""

    keep_days: int | None = Field(default=None, ge=1, le=LONGEST_KEEP_DAYS)
    prediction_environment_id: str | None = None
    labels: list[str] | None = Field(default=None, max_length=50)
    types: list[str] | None = Field(default=None, max_length=50)
    categories: list[EventCategory] | None = Field(default=None, max_length=50)
    healths: list[Health] | None = Field(default=None, max_length=50)


class RetentionPolicyIn(WireModel):
    """Body of `POST retentionPolicies/`; it covers what fulfils all that is given."""

    name: str = Field(min_length=1, max_length=128, pattern=LABEL_PATTERN)
    keep_days: int = Field(ge=1, le=LONGEST_KEEP_DAYS)
    prediction_environment_id: str | None = None
    labels: list[str] = Field(default=[], max_length=50)
    types: list[str] = Field(default=[], max_length=50)
    categories: list[EventCategory] = Field(default=[], max_length=50)
    healths: list[Health] = Field(default=[], max_length=50)


class RetentionPolicy(WireModel):
    """How long what it covers is kept; `default` is for what no other policy covers."""

    id: str
    name: str
    keep_days: int
    prediction_environment_id: str | None
    labels: list[str]
    types: list[str]
    categories: list[EventCategory]
    healths: list[Health]
    changed_by: str
    changed_at: datetime | None


class LegalHoldIn(WireModel):
    """Body of `POST legalHolds/`: one of a deployment and a whole environment."""

    deployment_id: str | None = None
    prediction_environment_id: str | None = None
    reason: str = Field(min_length=1, max_length=10_000)


class LegalHold(WireModel):
    """Nothing of its deployment, or without one of its environment, is removed."""

    id: str
    prediction_environment_id: str
    deployment_id: str | None
    reason: str
    placed_by: str
    placed_at: datetime


class RetentionCount(WireModel):
    """How many entries of the feed and runs a policy removes, or a protection saves."""

    name: str
    entries: int
    runs: int


class RetentionReport(WireModel):
    """What retention removed, or would remove.

    `protections` counts what is old enough and stays; `oldest_at` and `newest_at` are of what goes. Not `complete`: it
    ended before all was looked at, and is to be asked again.
    """

    pruned: bool
    complete: bool
    entries: int
    runs: int
    oldest_at: datetime | None
    newest_at: datetime | None
    policies: list[RetentionCount]
    protections: list[RetentionCount]
    prediction_environments: list[RetentionCount]
