"""What an agent tells of a claim: progress, runs, and the one result, which is kept until it could be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.held_claims import HeldClaim
from mgmt_ansible.agent.judging import Verdict
from mgmt_ansible.agent.progress import SpoolingProgress
from mgmt_ansible.agent.shutdowns import Ongoing
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import ResultReport, RunReport
from mgmt_ansible.domain.runs import RunOutcome, RunRequest
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.ports import Clock, ReportSpool

_RETRY_SECONDS = 2.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Puts reports into the spool.

    Attributes:
        spool: Takes every report.
        clock: Tells time.
        make_id: Makes report ids.
    """

    spool: ReportSpool
    clock: Clock
    make_id: Callable[[], str] = make_id
    _waiting: Ongoing = field(default_factory=Ongoing)

    @property
    def ready(self) -> bool:
        """Whether new work could be reported: no result waits for room, and there is some."""
        return not self._waiting.any and self.spool.has_room()

    def progress_of(self, claim: Claim) -> SpoolingProgress:
        """Return where the progress of a claim's runs goes; whoever asks closes it when they have ended."""
        return SpoolingProgress(claim=claim, spool=self.spool, clock=self.clock, make_id=self.make_id)

    def report_run(self, claim: Claim, wave: int, request: RunRequest, outcome: RunOutcome) -> None:
        """Report a run; a spool that refuses it takes nothing from what the run did, which the result tells."""
        report = RunReport(
            id=self.make_id(),
            action_id=claim.spec.id,
            attempt=claim.attempt,
            wave=wave,
            playbook=request.playbook,
            request_hash=request.hash,
            outcome=outcome,
        )
        try:
            self.spool.put(report)
        except errors.StoreError as exc:
            _log.error("run_report_lost", action_id=report.action_id, run_id=report.outcome.run_id, error=str(exc))

    def report_result(self, held: HeldClaim, verdict: Verdict) -> None:
        """Report how an action ended; tried until it is stored, the claim is lost, or the agent must end.

        One result a worker waits at most. What is given up is found on the hosts by the next claim.
        """
        report = self._result(held.claim, verdict)
        if not self._stored(report):
            with self._waiting:
                if not self._stored_at_last(held, report):
                    _log.error("result_given_up", action_id=report.action_id, attempt=report.attempt)
                    held.release()
                    return
        said = {"status": verdict.status.value, "outcome": verdict.outcome.value}
        _log.info("action_ended", action_id=report.action_id, **said)

    def _stored_at_last(self, held: HeldClaim, report: ResultReport) -> bool:
        while not (held.lost or held.shutdown_asked):
            self.clock.sleep(_RETRY_SECONDS)
            if self._stored(report):
                return True
        return False

    def _stored(self, report: ResultReport) -> bool:
        try:
            self.spool.put(report)
        except errors.StoreError as exc:
            _log.error("result_not_stored", action_id=report.action_id, error=str(exc), next_try_seconds=_RETRY_SECONDS)
            return False
        return True

    def _result(self, claim: Claim, verdict: Verdict) -> ResultReport:
        return ResultReport(
            id=self.make_id(),
            action_id=claim.spec.id,
            attempt=claim.attempt,
            status=verdict.status,
            outcome=verdict.outcome,
            cause=verdict.cause,
            health=verdict.health,
            message=verdict.message,
            hosts=verdict.hosts,
            finished_at=self.clock.now(),
        )
