"""One claimed action from plan to report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.held_claims import HeldClaim
from mgmt_ansible.agent.judging import Verdict, broken, judge
from mgmt_ansible.agent.progress import SpoolingProgress
from mgmt_ansible.domain.actions import NEEDS_PACKAGE, ActionSpec, Claim
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.plans import Plan
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.reports import ResultReport, RunReport
from mgmt_ansible.domain.runs import RunOutcome, RunRequest
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.ports import Clock, PackageCache, Plugin, ReportSpool

_BACK_OFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
_MESSAGE_LIMIT = 1_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs claimed actions; holds no state of its own.

    Attributes:
        plugin: Performs in the agent's environments.
        cache: Fetches packages.
        spool: Takes every report.
        clock: Tells time.
        make_id: Makes report ids.
    """

    plugin: Plugin
    cache: PackageCache
    spool: ReportSpool
    clock: Clock
    make_id: Callable[[], str] = make_id

    def perform(self, held: HeldClaim) -> None:
        """Do an action and report it; a lost claim is dropped without a word, as its new holder reports."""
        claim = held.claim
        _log.info("action_started", action_id=claim.spec.id, type=claim.spec.type.value, attempt=claim.attempt)
        verdict = self._verdict(held)
        if held.lost:
            _log.warning("action_dropped", action_id=claim.spec.id, attempt=claim.attempt)
            return
        self.spool.put(self._result(claim, verdict))
        _log.info("action_ended", action_id=claim.spec.id, status=verdict.status.value, outcome=verdict.outcome.value)

    def report_crash(self, held: HeldClaim, exc: Exception) -> None:
        """Report an action whose result could not be reported as it is; without one it would be offered again."""
        if held.lost:
            return
        message = f"the agent could not report what was done: {type(exc).__name__}; the hosts tell, ask for a status"
        verdict = broken(held.claim.spec, None, message, cause=Cause.UNKNOWN, outcome=Outcome.UNKNOWN)
        self.spool.put(self._result(held.claim, verdict))

    def _verdict(self, held: HeldClaim) -> Verdict:
        spec = held.claim.spec
        plan: Plan | None = None
        try:
            plan = self.plugin.plan(spec)
            if plan.hosts:
                self._fetch(spec, held)
            runs = self._run(held, plan)
        except errors.ArchiveError as exc:
            return broken(spec, plan, _said(exc), cause=Cause.ARTIFACT)
        except errors.ControlPlaneError as exc:
            return broken(spec, plan, f"the model package could not be fetched: {_said(exc)}", cause=Cause.UNKNOWN)
        except errors.MgmtAnsibleError as exc:
            _log.error("action_failed", action_id=spec.id, code=exc.code, error=_said(exc))
            return broken(spec, plan, _said(exc), cause=Cause.PLAYBOOK_ERROR)
        except Exception as exc:  # noqa: BLE001 - the worker loop's own edge: one broken action never ends the agent
            _log.exception("action_crashed", action_id=spec.id)
            message = f"the agent failed unexpectedly: {type(exc).__name__}"
            return broken(spec, plan, message, cause=Cause.UNKNOWN, outcome=Outcome.UNKNOWN)
        return judge(spec, plan, [outcome for _, outcome in runs], canceled=held.reason() is not None)

    def _fetch(self, spec: ActionSpec, held: HeldClaim) -> None:
        """Fetch the package, trying again while the control plane is away and both action and agent have time."""
        package = spec.deployment.package if spec.deployment is not None else None
        if package is None or spec.type not in NEEDS_PACKAGE:
            return
        deadline = self.clock.monotonic() + spec.timeout_seconds
        for attempt in count():
            try:
                self.cache.fetch(package)
            except errors.ControlPlaneUnavailableError:
                if held.shutdown_asked or held.reason() is not None or self.clock.monotonic() >= deadline:
                    raise
                self.clock.sleep(_BACK_OFF_SECONDS[min(attempt, len(_BACK_OFF_SECONDS) - 1)])
            else:
                return

    def _run(self, held: HeldClaim, plan: Plan) -> Sequence[tuple[RunRequest, RunOutcome]]:
        progress = SpoolingProgress(claim=held.claim, spool=self.spool, clock=self.clock, make_id=self.make_id)
        runs = self.plugin.perform(held.claim, plan, progress, held)
        if not held.lost:
            for wave, (request, outcome) in enumerate(runs):
                self._report_run(self._run_report(held.claim, wave, request, outcome))
        return runs

    def _report_run(self, report: RunReport) -> None:
        """Report a run; a spool that refuses it takes nothing from what the run did, which the result tells."""
        try:
            self.spool.put(report)
        except errors.StoreError as exc:
            _log.error("run_report_lost", action_id=report.action_id, run_id=report.outcome.run_id, error=str(exc))

    def _run_report(self, claim: Claim, wave: int, request: RunRequest, outcome: RunOutcome) -> RunReport:
        return RunReport(
            id=self.make_id(),
            action_id=claim.spec.id,
            attempt=claim.attempt,
            wave=wave,
            playbook=request.playbook,
            request_hash=request.hash,
            outcome=outcome,
        )

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


def _said(exc: errors.MgmtAnsibleError) -> str:
    return redact(str(exc), limit=_MESSAGE_LIMIT)
