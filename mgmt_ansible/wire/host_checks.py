"""`/api/v2`: what looks at hosts found before anything was run on them."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.domain.preflight import Check
from mgmt_ansible.wire.basics import WireModel


class HostCheck(WireModel):
    """What the newest look at a host found: advice, of which `failed` means that a run would fail there."""

    prediction_environment_id: str
    host: str
    agent: str
    taken_at: datetime
    seconds: float
    failed: bool
    checks: list[Check]
