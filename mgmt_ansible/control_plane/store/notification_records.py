"""What the rules of sending need to know of what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mgmt_ansible.domain.notices import Notice
from mgmt_ansible.domain.notifications import Memory


class DeliveryStatus(StrEnum):
    """Position of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"
    """Not sent on its own: counted in the next message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRecord:
    """A channel as the sender needs it.

    Attributes:
        shown: What everybody may see.
        sealed: The secrets, encrypted.
        failures: How many tries in a row went wrong.
    """

    id: str
    name: str
    type: str
    shown: dict[str, object]
    sealed: str
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that somebody has taken to send it now.

    Attributes:
        tries: Of which this is the last.
        created_at: Aware.
    """

    id: str
    policy_id: str | None
    notice: Notice
    tries: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to be recorded.

    Attributes:
        once: Policy and entry; None for what people ask for.
        reason: Why it is held.
        parent_id: Of the delivery that is sent again.
    """

    once: str | None
    channel_id: str
    policy_id: str | None
    subject: str
    notice: Notice
    status: DeliveryStatus
    reason: str = ""
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a policy told of one subject."""

    policy_id: str
    subject: str
    deployment_id: str | None
    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a try ended.

    Attributes:
        delivered: The other side took it.
        final: It never will: not to be tried again.
        code: HTTP status, where there was one.
        text: What came back, redacted.
        retry_after_seconds: What the other side asked for.
    """

    delivered: bool
    final: bool = False
    code: int | None = None
    text: str = ""
    retry_after_seconds: float | None = None
