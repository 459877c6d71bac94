"""`/api/v2`, continued: channels, policies, mutes and the log of notifications.

Paths and names of fields are the vendor's public ones (`entityNotificationChannels/`, `entityNotificationPolicies/`); what it does not
have is ours: `appriseUrl`, `payloadFormat`, `trouble`, mutes and the log's more precise words.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr

from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notifications import EVERYTHING_ID, ScopeType
from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel

MASK = "********"
"""Stands for a secret in every answer; sent back in a change it means: as it is."""

Secret = Annotated[SecretStr, PlainSerializer(lambda secret: secret.get_secret_value(), when_used="json")]
"""Written in clear only when a body is sent; every other way to show it shows stars."""

_SCOPES = {scope.value.lower(): scope for scope in ScopeType}
RelatedEntityType = Annotated[
    ScopeType, BeforeValidator(lambda word: _SCOPES.get(word.lower(), word) if isinstance(word, str) else word)
]
"""The vendor's clients write `deployment`, `Deployment` or `DEPLOYMENT`."""

_HEADER_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
"""A token. Source: RFC 9110, 5.6.2."""
_TYPE_PATTERN = r"^[A-Za-z0-9_.]+$"
_EMAIL_PATTERN = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$"


class ChannelType(StrEnum):
    """How a channel tells; the vendor's words, and `Apprise`."""

    WEBHOOK = "Webhook"
    SLACK = "Slack"
    MS_TEAMS = "MSTeams"
    EMAIL = "Email"
    APPRISE = "Apprise"


class PayloadFormat(StrEnum):
    """What a webhook's body is."""

    VENDOR = "vendor"
    CLOUD_EVENTS = "cloudevents"


class ContentType(StrEnum):
    """Of a webhook's body."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


class CustomHeaderIn(WireModel):
    """A header that a webhook sends along; its value is kept as a secret."""

    name: str = Field(min_length=1, max_length=100, pattern=_HEADER_NAME)
    value: Secret = Field(max_length=4_000)


class CustomHeader(WireModel):
    """A header of a webhook; the value is always `********`."""

    name: str
    value: str = MASK


class NotificationChannelPatch(WireModel):
    """Body of `PUT entityNotificationChannels/.../{id}/`; absent fields stay, and so does a secret that is `********`."""

    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=LABEL_PATTERN)
    payload_url: Secret | None = Field(default=None, max_length=2_000)
    content_type: ContentType | None = None
    payload_format: PayloadFormat | None = None
    secret_token: Secret | None = Field(default=None, max_length=1_000)
    validate_ssl: bool | None = None
    custom_headers: list[CustomHeaderIn] | None = Field(default=None, max_length=20)
    email_address: str | None = Field(default=None, max_length=320, pattern=_EMAIL_PATTERN)
    apprise_url: Secret | None = Field(default=None, max_length=4_000)


class NotificationChannelIn(NotificationChannelPatch):
    """Body of `POST entityNotificationChannels/`.

    `Webhook`, `Slack` and `MSTeams` have a `payloadUrl`, `Email` an `emailAddress`, `Apprise` an `appriseUrl`. `relatedEntityType` is
    `deployment`, `predictionEnvironment` or, with the id `all`, `everything`: only policies within may use the channel.
    """

    channel_type: ChannelType
    name: str = Field(min_length=1, max_length=200, pattern=LABEL_PATTERN)
    related_entity_type: RelatedEntityType = ScopeType.EVERYTHING
    related_entity_id: str = Field(default=EVERYTHING_ID, min_length=1, max_length=64)


class NotificationChannel(WireModel):
    """A channel; secrets are `********`, of secret addresses the path. `trouble` says what its last try met, when it failed."""

    id: str
    name: str
    channel_type: ChannelType
    related_entity_type: ScopeType
    related_entity_id: str
    payload_url: str | None = None
    content_type: ContentType | None = None
    payload_format: PayloadFormat | None = None
    secret_token: str | None = None
    validate_ssl: bool | None = None
    custom_headers: list[CustomHeader] = Field(default=[])
    email_address: str | None = None
    apprise_url: str | None = None
    language_code: str = "en"
    org_id: str | None = None
    uid: str
    policy_count: int
    created_at: datetime
    updated_at: datetime
    last_notification_at: datetime | None
    trouble: str


class NotificationPolicyPatch(WireModel):
    """Body of `PUT entityNotificationPolicies/.../{id}/`; absent fields stay.

    `maximalFrequency` is an ISO 8601 duration such as `PT1H`; an empty one is no limit any more.
    """

    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=LABEL_PATTERN)
    channel_id: str | None = Field(default=None, max_length=64)
    event_group: EventGroup | None = None
    event_type: str | None = Field(default=None, min_length=1, max_length=200, pattern=_TYPE_PATTERN)
    maximal_frequency: str | None = Field(default=None, max_length=40)
    active: bool | None = None


class NotificationPolicyIn(NotificationPolicyPatch):
    """Body of `POST entityNotificationPolicies/`: one of `eventGroup` and `eventType`."""

    name: str = Field(min_length=1, max_length=200, pattern=LABEL_PATTERN)
    channel_id: str = Field(max_length=64)
    related_entity_type: RelatedEntityType = ScopeType.EVERYTHING
    related_entity_id: str = Field(default=EVERYTHING_ID, min_length=1, max_length=64)
    active: bool = True


class NotificationPolicy(WireModel):
    """A policy; `muted` tells whether all of it is, now."""

    id: str
    name: str
    channel_id: str
    channel_name: str
    channel_type: ChannelType
    channel_scope: str = "entity"
    event_group: EventGroup | None
    event_type: str | None
    maximal_frequency: str | None
    active: bool
    muted: bool
    related_entity_type: ScopeType
    related_entity_id: str
    org_id: str | None = None
    uid: str
    created_at: datetime
    updated_at: datetime
    last_triggered: datetime | None


class NotificationMuteIn(WireModel):
    """Body of `POST notificationPolicyMutes/`: of a policy, of a deployment, of a policy for a deployment; without both of all.

    Without `until` it holds until it is deleted.
    """

    policy_id: str | None = Field(default=None, max_length=64)
    deployment_id: str | None = Field(default=None, max_length=64)
    until: datetime | None = None
    reason: str = Field(default="", max_length=1_000)


class NotificationMute(WireModel):
    """While it holds nothing is told of what it covers; what comes is held, and counted in the next message."""

    id: str
    policy_id: str | None
    deployment_id: str | None
    until: datetime | None
    reason: str
    uid: str
    created_at: datetime


class NotificationRequest(WireModel):
    """What was to be sent."""

    body: str


class NotificationResponse(WireModel):
    """What came back: an HTTP status where there was one, and words without secrets."""

    status_code: int | None
    body: str


class NotificationLog(WireModel):
    """A delivery: `status` is `pending`, `delivered`, `failed`, or `held` (counted in the next message); `message` says why."""

    id: str
    channel_id: str
    channel_name: str | None
    policy_id: str | None
    policy_name: str | None
    parent_notification_id: str | None
    event_sequence: int | None
    event_type: str
    title: str
    health: Health
    prediction_environment_id: str
    deployment_id: str | None
    recovered: bool
    held_count: int
    status: str
    message: str
    tries: int
    retry_count: int
    next_try_at: datetime | None
    timestamp: datetime
    finished_at: datetime | None
    request: NotificationRequest
    response: NotificationResponse


class NotificationTest(WireModel):
    """What came back from a message that was sent to try a channel."""

    delivered: bool
    response: NotificationResponse
