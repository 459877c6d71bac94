"""A claim of work that an earlier claim may have begun, or finished: the hosts are asked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.findings import Findings, sort_findings
from mgmt_ansible.agent.held_claims import HeldClaim, LookSignal
from mgmt_ansible.domain.actions import CHANGING, Claim
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.plans import Plan
from mgmt_ansible.domain.verdicts import after_cancel
from mgmt_ansible.ports import Plugin

WAIT_SECONDS = 10.0
"""How long a host may wait for an earlier claim's work to end by itself, before the new claim's fence stops it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a takeover found.

    Attributes:
        hosts: Host -> outcome, of those on which nothing has to be done any more.
        found: Those of them that an earlier claim had done.
        fences: Host -> its newest pair, of those that told.
    """

    hosts: Mapping[str, HostOutcome] = field(default_factory=dict)
    found: frozenset[str] = frozenset()
    fences: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeovers:
    """Looks at what earlier claims did.

    Attributes:
        plugin: Looks and cancels.
    """

    plugin: Plugin

    def take(self, held: HeldClaim, plan: Plan) -> Taken:
        """Return the hosts that need nothing more; none for a first claim, and none when the look could not be made.

        An action that somebody canceled meanwhile is ended on its hosts, and not performed.

        Raises:
            ClaimLostError: Somebody else holds the action.
        """
        if held.claim.attempt <= 1 or held.claim.spec.type not in CHANGING or not plan.hosts:
            return Taken()
        held.ensure(now=True)
        found = self._look(held, plan)
        away = {name: host for name, host in found.unreached.items() if host.outcome is Outcome.UNREACHABLE}
        done = frozenset(name for name, host in found.ended.items() if host.outcome is not Outcome.SUPERSEDED)
        hosts = {**found.ended, **away}
        rest = tuple(host for host in plan.hosts if host not in hosts)
        if held.reason() == "canceled" and rest:
            hosts.update(self.cancel(held, rest, found.fences))
        return Taken(hosts=hosts, found=done, fences=found.fences)

    def _look(self, held: HeldClaim, plan: Plan) -> Findings:
        wait = WAIT_SECONDS if held.reason() is None else 0.0
        try:
            seen = self.plugin.observe(held.claim, plan.hosts, LookSignal(held), wait_seconds=wait).hosts
        except errors.MgmtAnsibleError as exc:
            _log.warning("look_failed", action_id=held.claim.spec.id, code=exc.code, error=str(exc))
            return Findings()
        found = sort_findings(held.claim, seen)
        _log.info(
            "taken_over",
            action_id=held.claim.spec.id,
            attempt=held.claim.attempt,
            done=sorted(found.ended),
            to_do=(*found.idle, *found.working),
            unreached=sorted(found.unreached),
        )
        return found

    def cancel(
        self, held: HeldClaim, hosts: tuple[str, ...], fences: Mapping[str, tuple[int, int]]
    ) -> dict[str, HostOutcome]:
        """End the action on its hosts, also where it did not begin: what an earlier claim sent may still arrive there."""
        begun = {name: _canceled(held.claim, name, fences.get(name)) for name in hosts}
        try:
            stopped = self.plugin.cancel(held.claim, hosts).hosts
        except errors.MgmtAnsibleError as exc:
            _log.warning("cancel_failed", action_id=held.claim.spec.id, code=exc.code, error=str(exc))
            return begun
        return {name: _ended(held.claim, after_cancel(host, stopped.get(name))) for name, host in begun.items()}


def _ended(claim: Claim, host: HostOutcome) -> HostOutcome:
    """Return a canceled host; one that proved to serve the action's own generation had ended well just before."""
    target = claim.spec.deployment
    if host.outcome is not Outcome.UNKNOWN or host.identity is None or target is None:
        return host
    if host.identity.generation != target.generation:
        return host
    return replace(host, outcome=Outcome.CHANGED, cause=None, message="it had ended before it could be canceled")


def _canceled(claim: Claim, name: str, fence: tuple[int, int] | None) -> HostOutcome:
    """Return what is known of a host before the cancel: a fence from before the action proves that it never began."""
    generation = claim.spec.deployment.generation if claim.spec.deployment is not None else 0
    untouched = fence is not None and fence[0] < generation
    return HostOutcome(
        host=name,
        outcome=Outcome.NOT_RUN if untouched else Outcome.UNKNOWN,
        cause=Cause.CANCELED,
        message="canceled before it began" if untouched else "canceled while nobody had the action",
        fence_generation=fence[0] if fence is not None else None,
        fence_attempt=fence[1] if fence is not None else None,
    )
