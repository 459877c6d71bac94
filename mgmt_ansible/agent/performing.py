"""One claimed action from plan to report.

```
 plan -> take over what an earlier claim did -> fetch -> run -> settle what is unknown -> judge -> report
   '-- before each arrow the claim is made sure of: lost = dropped without a word, leaving = given back
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.fetching import Fetcher, FetchTimeoutError
from mgmt_ansible.agent.findings import unsettled
from mgmt_ansible.agent.held_claims import HeldClaim
from mgmt_ansible.agent.judging import Verdict, broken, judge
from mgmt_ansible.agent.reporting import Reporter
from mgmt_ansible.agent.settling import Settler
from mgmt_ansible.agent.takeovers import Taken, Takeovers
from mgmt_ansible.domain.actions import CHANGING
from mgmt_ansible.domain.outcomes import FINE, Cause, HostOutcome, Outcome
from mgmt_ansible.domain.plans import Plan
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.runs import RunOutcome, RunRequest, RunStatus
from mgmt_ansible.ports import Clock, PackageCache, Plugin

_MESSAGE_LIMIT = 1_000

_log = structlog.get_logger()


class _Leaving(Exception):  # noqa: N818 - not an error: the agent ends before the work does
    """The work is given back as it is."""


@dataclass(slots=True, kw_only=True)
class _Runs:
    """What the runs of one claim came to so far.

    Attributes:
        hosts: Host -> newest outcome.
        cut: A run was stopped, or a wave never begun, though every host that ended was fine.
        timeout: The action's time was over.
        waves: Runs reported.
    """

    hosts: dict[str, HostOutcome] = field(default_factory=dict)
    cut: bool = False
    timeout: bool = False
    waves: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs claimed actions; holds no state of its own.

    Attributes:
        plugin: Performs in the agent's environments.
        cache: Fetches packages.
        reporter: Tells the control plane.
        clock: Tells time.
    """

    plugin: Plugin
    cache: PackageCache
    reporter: Reporter
    clock: Clock

    def perform(self, held: HeldClaim) -> None:
        """Do an action and report it; a lost claim is dropped without a word, as its new holder reports."""
        claim = held.claim
        _log.info("action_started", action_id=claim.spec.id, type=claim.spec.type.value, attempt=claim.attempt)
        try:
            verdict = self._verdict(held)
            held.ensure()
        except errors.ClaimLostError:
            _log.warning("action_dropped", action_id=claim.spec.id, attempt=claim.attempt)
            return
        except _Leaving:
            _log.warning("action_left", action_id=claim.spec.id, attempt=claim.attempt)
            held.release()
            return
        self.reporter.report_result(held, verdict)

    def report_crash(self, held: HeldClaim, exc: Exception) -> None:
        """Report an action whose result could not be reported as it is; without one it would be offered again."""
        if held.lost:
            return
        message = f"the agent could not report what was done: {type(exc).__name__}; the hosts tell, ask for a status"
        verdict = broken(held.claim.spec, None, message, cause=Cause.UNKNOWN, outcome=Outcome.UNKNOWN)
        self.reporter.report_result(held, verdict)

    def _verdict(self, held: HeldClaim) -> Verdict:
        spec = held.claim.spec
        plan: Plan | None = None
        taken = Taken()
        try:
            held.ensure()
            plan = self.plugin.plan(spec)
            taken = Takeovers(plugin=self.plugin).take(held, plan)
            return self._performed(held, plan, taken)
        except (errors.ClaimLostError, _Leaving):
            raise
        except FetchTimeoutError as exc:
            return self._broken(held, plan, taken, str(exc), Cause.TIMEOUT)
        except errors.ArchiveError as exc:
            return self._broken(held, plan, taken, _said(exc), Cause.ARTIFACT)
        except errors.ControlPlaneError as exc:
            message = f"the model package could not be fetched: {_said(exc)}"
            return self._broken(held, plan, taken, message, Cause.UNKNOWN)
        except errors.MgmtAnsibleError as exc:
            _log.error("action_failed", action_id=spec.id, code=exc.code, error=_said(exc))
            return self._broken(held, plan, taken, _said(exc), Cause.PLAYBOOK_ERROR)
        except Exception as exc:  # noqa: BLE001 - the worker loop's own edge: one broken action never ends the agent
            _log.exception("action_crashed", action_id=spec.id)
            message = f"the agent failed unexpectedly: {type(exc).__name__}"
            return broken(spec, plan, message, cause=Cause.UNKNOWN, outcome=Outcome.UNKNOWN, known=taken.hosts)

    def _broken(self, held: HeldClaim, plan: Plan | None, taken: Taken, message: str, cause: Cause) -> Verdict:
        """Judge an action that could not be performed; what an earlier claim of it left half done is ended on its hosts."""
        known = dict(taken.hosts)
        for name, host in self._ended(held, plan, taken, known).items():
            known[name] = host if host.outcome in FINE else replace(host, cause=cause, message=message)
        return broken(held.claim.spec, plan, message, cause=cause, known=known)

    def _ended(
        self, held: HeldClaim, plan: Plan | None, taken: Taken, known: Mapping[str, HostOutcome]
    ) -> Mapping[str, HostOutcome]:
        """Cancel on the hosts of a taken-over change that nobody told of."""
        left = tuple(host for host in plan.hosts if host not in known) if plan is not None else ()
        if not left or held.claim.attempt <= 1 or held.claim.spec.type not in CHANGING:
            return {}
        return Takeovers(plugin=self.plugin).cancel(held, left, taken.fences)

    def _performed(self, held: HeldClaim, plan: Plan, taken: Taken) -> Verdict:
        deadline = self.clock.monotonic() + held.claim.spec.timeout_seconds
        rest = plan.only([host for host in plan.hosts if host not in taken.hosts])
        if rest.hosts and held.reason() is None:
            self._fetch(held, deadline=deadline)
        runs = self._run(held, rest)
        settled = self._settle(held, rest, runs, deadline=deadline)
        if held.reason() == "shutdown" and (runs.cut or any(unsettled(host) for host in settled.values())):
            raise _Leaving
        hosts = {**taken.hosts, **settled}
        if held.reason() == "canceled":
            hosts.update(self._ended(held, plan, taken, hosts))
        return judge(held.claim.spec, plan, hosts, canceled=held.reason() == "canceled", found=taken.found)

    def _fetch(self, held: HeldClaim, *, deadline: float) -> None:
        held.ensure()
        there = Fetcher(cache=self.cache, clock=self.clock).fetch(held, deadline=deadline)
        held.ensure()
        if not there and held.reason() != "canceled":
            raise _Leaving

    def _run(self, held: HeldClaim, plan: Plan) -> _Runs:
        runs = _Runs()
        try:
            with closing(self.reporter.progress_of(held.claim)) as progress:
                done = self.plugin.perform(held.claim, plan, progress, held)
        except errors.MgmtAnsibleError:
            raise
        except Exception as exc:
            if held.claim.spec.type not in CHANGING:
                raise
            _log.exception("run_crashed", action_id=held.claim.spec.id)
            runs.hosts = _crashed(plan, exc)
            return runs
        self._take(held, runs, done)
        runs.cut = _is_cut(plan, done)
        return runs

    def _take(self, held: HeldClaim, runs: _Runs, done: Sequence[tuple[RunRequest, RunOutcome]]) -> None:
        for request, outcome in done:
            if not held.lost:
                self.reporter.report_run(held.claim, runs.waves, request, outcome)
            runs.waves += 1
            runs.hosts.update(outcome.hosts)
            runs.timeout = runs.timeout or outcome.status is RunStatus.TIMEOUT

    def _settle(self, held: HeldClaim, plan: Plan, runs: _Runs, *, deadline: float) -> Mapping[str, HostOutcome]:
        def again(hosts: Sequence[str]) -> Mapping[str, HostOutcome]:
            try:
                with closing(self.reporter.progress_of(held.claim)) as progress:
                    done = self.plugin.perform(held.claim, plan.only(hosts), progress, held)
            except errors.MgmtAnsibleError as exc:
                _log.error("run_failed", action_id=held.claim.spec.id, code=exc.code, error=_said(exc))
                return {}
            self._take(held, runs, done)
            return {name: host for _, outcome in done for name, host in outcome.hosts.items()}

        settler = Settler(plugin=self.plugin, clock=self.clock)
        return settler.settle(held, runs.hosts, deadline=deadline, again=None if runs.timeout else again)


def _is_cut(plan: Plan, done: Sequence[tuple[RunRequest, RunOutcome]]) -> bool:
    if any(outcome.status is RunStatus.CANCELED for _, outcome in done):
        return True
    return len(done) < len(plan.waves) and all(host.outcome in FINE for _, one in done for host in one.hosts.values())


def _crashed(plan: Plan, exc: Exception) -> dict[str, HostOutcome]:
    message = f"the agent failed unexpectedly: {type(exc).__name__}"
    return {
        name: HostOutcome(host=name, outcome=Outcome.UNKNOWN, cause=Cause.UNKNOWN, message=message)
        for name in plan.hosts
    }


def _said(exc: errors.MgmtAnsibleError) -> str:
    return redact(str(exc), limit=_MESSAGE_LIMIT)
