"""Reports for spools, and who takes them."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.domain.reports import HostsReport, ProgressReport, Report, ResultReport, RunReport
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE_SECONDS = 60.0


def result(number: int) -> ResultReport:
    return ResultReport(
        id=f"{number:024x}",
        action_id="a" * 24,
        attempt=1,
        status=ActionStatus.SUCCEEDED,
        outcome=Outcome.OK,
        hosts=(HostOutcome(host="h1", outcome=Outcome.OK),),
        finished_at=NOW,
    )


def progress(number: int) -> ProgressReport:
    step = RunProgress(run_id="b" * 24, step="x", at=NOW)
    return ProgressReport(id=f"{number:024x}", action_id="a" * 24, attempt=1, progress=step)


def hosts(number: int) -> HostsReport:
    return HostsReport(id=f"{number:024x}", environment_id="e" * 24, hosts=(), taken_at=NOW)


def run(number: int) -> RunReport:
    outcome = RunOutcome(run_id="b" * 24, status=RunStatus.SUCCESSFUL, hosts={}, started_at=NOW, ended_at=NOW)
    fields = {"action_id": "a" * 24, "attempt": 1, "wave": 0, "playbook": "deployment_stop", "request_hash": "f" * 64}
    return RunReport(id=f"{number:024x}", outcome=outcome, **fields)


class Receiver:
    """Takes batches, after the failures that it is told."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.batches: list[list[Report]] = []

    def __call__(self, reports) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.batches.append(list(reports))

    @property
    def failures_left(self) -> int:
        return len(self._failures)

    @property
    def numbers(self) -> list[int]:
        return [int(report.id, 16) for batch in self.batches for report in batch]


def until(condition) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.002)
