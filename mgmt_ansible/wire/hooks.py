"""`/api/v2`: inbound webhooks, which wake whoever waits and are told in the feed."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.hook_signatures import HookKind
from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel


class WebhookIn(WireModel):
    """Body of `POST webhooks/`: deliveries become entries of the environment's feed."""

    name: str = Field(min_length=1, max_length=128, pattern=LABEL_PATTERN)
    kind: HookKind
    prediction_environment_id: str = Field(max_length=64)


class Webhook(WireModel):
    """An inbound webhook; `secret` is in the answer to its creation only, and `path` is where deliveries go."""

    id: str
    name: str
    kind: HookKind
    prediction_environment_id: str
    path: str
    created_by: str
    created_at: datetime
    last_received_at: datetime | None
    secret: str | None = None
