"""What a look says about hosts on which a changing action was begun before: done, superseded, or still to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Observation, Outcome

_NEVER_CONNECTED = "ssh: connect to host"
"""OpenSSH's words when no connection was made, hence no command sent (source: OpenSSH, sshconnect.c)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Hosts, sorted by what a look found; each is in one of the four.

    Attributes:
        ended: Host -> what it came to: its own recorded result, or `superseded`.
        working: Somebody works there for this claim or an earlier one of it.
        idle: Nobody works, and nothing tells that the work was done: it may be performed.
        unreached: Host -> what the look came to there.
        fences: Host -> its newest pair, of those that told; (0, 0) where nothing was ever done.
    """

    ended: Mapping[str, HostOutcome] = field(default_factory=dict)
    working: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    unreached: Mapping[str, HostOutcome] = field(default_factory=dict)
    fences: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def sort_findings(claim: Claim, seen: Mapping[str, HostOutcome]) -> Findings:
    """Sort the hosts of a look for a claim of a changing action."""
    target = claim.spec.deployment
    looks = {name: host.observations.get(target.id) if target is not None else None for name, host in seen.items()}
    ended = {name: end for name, look in looks.items() if look is not None and (end := _end(claim, name, look))}
    open_ = [name for name in looks if name not in ended]
    told = {name: look for name in open_ if (look := looks[name]) is not None}
    return Findings(
        ended=ended,
        working=tuple(name for name, look in told.items() if look.working),
        idle=tuple(name for name, look in told.items() if not look.working),
        unreached={name: seen[name] for name in open_ if name not in told},
        fences={name: (look.fence_generation, look.fence_attempt) for name, look in looks.items() if look is not None},
    )


def _end(claim: Claim, name: str, look: Observation) -> HostOutcome | None:
    generation = claim.spec.deployment.generation if claim.spec.deployment is not None else 0
    pair = (look.fence_generation, look.fence_attempt)
    if pair > (generation, claim.attempt):
        return HostOutcome(
            host=name,
            outcome=Outcome.SUPERSEDED,
            message=f"the host works on generation {pair[0]}, attempt {pair[1]} already",
            fence_generation=pair[0],
            fence_attempt=pair[1],
        )
    recorded = look.recorded
    ours = look.recorded_generation == generation and look.recorded_attempt <= claim.attempt
    if recorded is None or look.working or not ours or recorded.outcome is Outcome.UNKNOWN:
        return None
    said = f"{recorded.message} (found on the host: attempt {look.recorded_attempt} did it)".strip()
    return replace(recorded, host=name, message=said)


def unsettled(host: HostOutcome) -> bool:
    """Tell whether a host of a finished run may have done more than the run could report.

    A connection that breaks looks the same before a command began and after, so a host that was not reached is asked too. One
    that refused our key, showed another, or never let us connect was not spoken to at all.
    """
    if host.outcome is not Outcome.UNREACHABLE:
        return host.outcome is Outcome.UNKNOWN
    return host.cause is Cause.UNREACHABLE and _NEVER_CONNECTED not in host.message
