"""`/api/v2`: entries of the feed."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.basics import Page, WireModel


class DeploymentEvent(WireModel):
    """An entry of the feed; `statusType` is the vendor's success, failure, warning or info."""

    id: str
    sequence: int
    type: str
    status_type: str
    health: Health
    title: str
    message: str
    timestamp: datetime
    received_at: datetime
    prediction_environment_id: str
    deployment_id: str | None
    action_id: str | None
    run_id: str | None
    generation: int | None
    host: str | None
    actor: str
    data: dict[str, object]


class EventPage(Page[DeploymentEvent]):
    """A page of the feed; there are more than `total_count` when it is not exact, as counting millions takes too long."""

    total_count_exact: bool = True


class FeedGap(WireModel):
    """What a follower is told who asked to go on after an entry behind which something is missing.

    `after` is what was asked; `oldest` and `newest` are of the entries that are there (0 when there are none). With `after` beyond
    `newest` the feed was restored from a backup, and goes on from `newest`.
    """

    after: int
    oldest: int
    newest: int
