"""`/api/v2`: runs and their logs."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire.basics import WireModel


class Run(WireModel):
    """One execution of one playbook; while it goes on it has no `endedAt`, `requestHash` and `hosts`.

    A `dryRun` changed nothing: its hosts tell what the playbook would do. `outcomes` counts hosts by outcome. `logLines` is the number of the newest line known, of which some may be lost.
    """

    id: str
    sequence: int = 0
    action_id: str
    prediction_environment_id: str
    deployment_id: str | None
    attempt: int
    wave: int
    playbook: str
    dry_run: bool = False
    request_hash: str
    status: RunStatus
    message: str
    started_at: datetime
    ended_at: datetime | None
    ansible_version: str
    hosts: list[HostOutcome]
    outcomes: dict[str, int] = Field(default={})
    log_lines: int = 0
    log_tail: str = ""


class RunLogLine(WireModel):
    """A line of a run's log; the numbers between two lines that do not follow each other were lost."""

    number: int
    text: str


class RunLog(WireModel):
    """Some lines of a run's log.

    `nextLine` is the number to ask from for what follows; null when nothing follows and the run has ended.
    """

    run_id: str
    status: RunStatus
    log_lines: int
    lines: list[RunLogLine]
    next_line: int | None
