"""Which runs are wanted: all that is given must be fulfilled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mgmt_ansible.domain.runs import RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilters:
    """What of the runs is wanted.

    Attributes:
        statuses: One of these; none means any.
        since: Begun at that moment or later; aware.
        until: Begun before that moment; aware.
        search: Part of the run's id, deployment id, playbook or message, whatever the case.
    """

    environment_id: str | None = None
    deployment_id: str | None = None
    action_id: str | None = None
    statuses: tuple[RunStatus, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""


ALL_RUNS = RunFilters()
