"""Progress and logs of a claim's runs, on their way to the control plane; a step that stays the same is told once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.run_logs import LogShipper
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import ProgressReport
from mgmt_ansible.domain.runs import RunProgress, RunRequest
from mgmt_ansible.ports import Clock, ProgressSink, ReportSpool

_QUIET_SECONDS = 1.0

_log = structlog.get_logger()


class SpoolingProgress:
    """Puts progress into the spool: every new step, else at most one a second."""

    def __init__(self, *, claim: Claim, spool: ReportSpool, clock: Clock, make_id: Callable[[], str]) -> None:
        """Take where progress goes."""
        self._claim = claim
        self._spool = spool
        self._clock = clock
        self._make_id = make_id
        self._lock = threading.Lock()
        self._last: tuple[str, float] = ("", float("-inf"))
        self._logs = LogShipper(claim=claim, spool=spool, clock=clock, make_id=make_id)

    def began(self, request: RunRequest) -> None:
        """Take that a run begins."""
        self._logs.begin(request.run_id, request.playbook)

    def log(self, run_id: str, lines: Sequence[str]) -> None:
        """Take the next lines of a run's log."""
        self._logs.take(run_id, lines)

    def close(self) -> None:
        """Send what is left of the logs."""
        self._logs.close()

    def progress(self, progress: RunProgress) -> None:
        """Take one step; a spool that refuses it is logged, as progress is nobody's truth."""
        if not self._is_news(progress.step):
            return
        report = ProgressReport(
            id=self._make_id(), action_id=self._claim.spec.id, attempt=self._claim.attempt, progress=progress
        )
        try:
            self._spool.put(report)
        except errors.StoreError as exc:
            _log.warning("progress_lost", action_id=self._claim.spec.id, error=str(exc))

    def _is_news(self, step: str) -> bool:
        with self._lock:
            now = self._clock.monotonic()
            last_step, last_at = self._last
            if step == last_step and now - last_at < _QUIET_SECONDS:
                return False
            self._last = (step, now)
            return True


_conforms: type[ProgressSink] = SpoolingProgress
