"""Hosts whose outcome a run could not report are asked, and done once more only when they certainly did not do it.

```
 unknown, unreachable --look--> recorded result ------------------> that is the outcome
                        ^  |--> a newer pair ---------------------> superseded
                        |  |--> works: ask again until it ends, or the action's time is over
                        |  |--> neither result nor holder --------> performed once more with the same pair
                        |  '--> not reached ----------------------> stays as it was
                        '--------- still unknown after that: asked a last time
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.findings import Findings, sort_findings, unsettled
from mgmt_ansible.agent.held_claims import HeldClaim, LookSignal
from mgmt_ansible.domain.actions import CHANGING
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.ports import Clock, Plugin

_WAIT_SECONDS = 20.0
"""How long one look may wait on a host for somebody who works."""

_log = structlog.get_logger()

Perform = Callable[[Sequence[str]], Mapping[str, HostOutcome]]
"""Performs the claim on these hosts once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """Settles the unknown hosts of finished runs.

    Attributes:
        plugin: Looks.
        clock: Tells when the action's time is over.
    """

    plugin: Plugin
    clock: Clock

    def settle(
        self, held: HeldClaim, hosts: Mapping[str, HostOutcome], *, deadline: float, again: Perform | None
    ) -> dict[str, HostOutcome]:
        """Return the hosts with what could be found out; those that were settled already stay.

        Args:
            held: The claim; once it should end, nothing more is asked but what is told at once.
            hosts: Outcomes of its runs.
            deadline: Monotonic seconds, after which nobody is waited for.
            again: Performs once more where nothing was done; None forbids it.

        Raises:
            ClaimLostError: Somebody else holds the action.
        """
        open_ = _to_ask(held, hosts)
        if not open_ or held.claim.spec.type not in CHANGING or held.reason() in ("claim_lost", "shutdown"):
            return dict(hosts)
        held.ensure()
        found = self._look_until_idle(held, open_, deadline=deadline)
        settled = {**hosts, **_told(hosts, found)}
        over = self.clock.monotonic() >= deadline
        if not found.idle or again is None or over or held.reason() is not None:
            return settled
        _log.warning("performed_again", action_id=held.claim.spec.id, hosts=found.idle)
        held.ensure()
        return {**settled, **self.settle(held, again(found.idle), deadline=deadline, again=None)}

    def _look_until_idle(self, held: HeldClaim, hosts: Sequence[str], *, deadline: float) -> Findings:
        wait = _WAIT_SECONDS if held.reason() is None else 0.0
        found = self._look(held, hosts, wait_seconds=wait)
        while found.working and held.reason() is None and self.clock.monotonic() < deadline:
            held.ensure()
            newer = self._look(held, found.working, wait_seconds=wait)
            found = Findings(
                ended={**found.ended, **newer.ended},
                working=newer.working,
                idle=(*found.idle, *newer.idle),
                unreached={**found.unreached, **newer.unreached},
            )
        return found

    def _look(self, held: HeldClaim, hosts: Sequence[str], *, wait_seconds: float) -> Findings:
        try:
            seen = self.plugin.observe(held.claim, hosts, LookSignal(held), wait_seconds=wait_seconds).hosts
        except errors.MgmtAnsibleError as exc:
            _log.warning("look_failed", action_id=held.claim.spec.id, code=exc.code, error=str(exc))
            failed = (HostOutcome(host=name, outcome=Outcome.UNKNOWN, message=str(exc)) for name in hosts)
            seen = {host.host: host for host in failed}
        found = sort_findings(held.claim, seen)
        _log.info(
            "hosts_asked",
            action_id=held.claim.spec.id,
            ended=sorted(found.ended),
            working=found.working,
            idle=found.idle,
            unreached=sorted(found.unreached),
        )
        return found


def _to_ask(held: HeldClaim, hosts: Mapping[str, HostOutcome]) -> tuple[str, ...]:
    """Return the hosts to ask; who canceled does not wait for those that were not even reached."""
    canceled = held.reason() == "canceled"
    names = (name for name, host in hosts.items() if unsettled(host))
    return tuple(name for name in names if not canceled or hosts[name].outcome is Outcome.UNKNOWN)


def _told(hosts: Mapping[str, HostOutcome], found: Findings) -> dict[str, HostOutcome]:
    working = {
        name: _still(hosts[name], "the host still worked on it when the action's time was over")
        for name in found.working
    }
    unreached = {name: _still(hosts[name], "asking the host again told nothing") for name in found.unreached}
    return {**working, **unreached, **found.ended}


def _still(host: HostOutcome, text: str) -> HostOutcome:
    return replace(host, message=f"{host.message}; {text}".strip("; "))
