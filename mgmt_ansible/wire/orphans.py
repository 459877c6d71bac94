"""`/api/v2`: what lies on an environment's hosts and is no deployment here."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.domain.outcomes import OrphanState
from mgmt_ansible.wire.basics import WireModel


class Orphan(WireModel):
    """A deployment on a host that nobody here knows, as the newest look saw it; `since` is when it first was so."""

    prediction_environment_id: str
    host: str
    deployment_id: str
    state: OrphanState
    since: datetime
