"""Judging: hosts' outcomes become the action's status, outcome, cause, health and sentence. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mgmt_ansible.domain.actions import CHANGING, ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import FINE, Cause, Evidence, HostOutcome, Outcome
from mgmt_ansible.domain.plans import Plan
from mgmt_ansible.domain.verdicts import health_of_hosts, worst_outcome

_NAMED_HOSTS = 5
_NOT_JUDGED = (ActionType.ENVIRONMENT_STATUS, ActionType.DEPLOYMENT_DRY_RUN)
"""Actions that say nothing of one deployment's health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an action came to; the fields are those of `ResultReport`."""

    status: ActionStatus
    outcome: Outcome
    cause: Cause | None = None
    health: Health | None = None
    message: str = ""
    hosts: tuple[HostOutcome, ...] = ()


def judge(
    spec: ActionSpec,
    plan: Plan,
    reported: Mapping[str, HostOutcome],
    *,
    canceled: bool,
    found: Collection[str] = (),
) -> Verdict:
    """Judge an action from what is known of its hosts.

    Args:
        spec: The action.
        plan: Its hosts; those that nobody reports are `not_run`.
        reported: Host -> outcome, of its runs and of looks at what earlier claims did.
        canceled: The work was asked to end before it was done.
        found: Hosts that an earlier claim had done.
    """
    if not plan.hosts:
        return no_hosts(spec)
    hosts = tuple(
        _asked_only(spec, reported[name]) if name in reported else _not_run(name, plan, canceled=canceled)
        for name in plan.hosts
    )
    outcome = worst_outcome(host.outcome for host in hosts)
    status = _status(outcome, canceled=canceled)
    health, reason = _health(spec, hosts) if status is not ActionStatus.SUPERSEDED else (None, "")
    return Verdict(
        status=status,
        outcome=outcome,
        cause=next((host.cause for host in hosts if host.outcome is outcome and host.cause is not None), None),
        health=health,
        message=_message(hosts, outcome, reason) + _found_text(plan, found),
        hosts=hosts,
    )


def no_hosts(spec: ActionSpec) -> Verdict:
    """Return the verdict of an action whose environment has no hosts: a failure, never a success."""
    return Verdict(
        status=ActionStatus.FAILED,
        outcome=Outcome.FAILED,
        cause=Cause.NO_HOSTS,
        health=_unknown_health(spec),
        message=(
            f"the inventory has none of the hosts that were asked for: {', '.join(spec.limit[:_NAMED_HOSTS])}"
            if spec.limit
            else "the inventory has no hosts that match the environment's pattern"
        ),
    )


def broken(
    spec: ActionSpec,
    plan: Plan | None,
    message: str,
    *,
    cause: Cause,
    outcome: Outcome = Outcome.FAILED,
    known: Mapping[str, HostOutcome] | None = None,
) -> Verdict:
    """Return the verdict of an action that could not be performed; this claim touched no host unless it is `unknown`.

    Args:
        spec: The action.
        plan: None when planning itself failed.
        message: One sentence.
        cause: Why.
        outcome: `unknown` when it cannot be told what was done.
        known: Host -> outcome, where an earlier claim of it is known to have done something.
    """
    each = Outcome.UNKNOWN if outcome is Outcome.UNKNOWN else Outcome.NOT_RUN
    names = plan.hosts if plan is not None else ()
    told = known or {}
    hosts = tuple(
        _asked_only(spec, told[name])
        if name in told
        else HostOutcome(host=name, outcome=each, cause=cause, message=message)
        for name in names
    )
    return Verdict(
        status=ActionStatus.FAILED,
        outcome=outcome,
        cause=cause,
        health=_health(spec, hosts)[0] if told else _unknown_health(spec),
        message=message,
        hosts=hosts,
    )


def _asked_only(spec: ActionSpec, host: HostOutcome) -> HostOutcome:
    """Return a host without what it says of deployments that nobody asked about, and of what it remembers."""
    asked = {target.id for target in (*spec.deployments, spec.deployment) if target is not None}
    seen = {key: replace(one, recorded=None) for key, one in host.observations.items() if key in asked}
    return replace(host, observations=seen)


def _not_run(host: str, plan: Plan, *, canceled: bool) -> HostOutcome:
    if not canceled:
        return HostOutcome(host=host, outcome=Outcome.NOT_RUN, message="an earlier wave was not fine")
    number = next(number for number, wave in enumerate(plan.waves, 1) if host in wave.hosts)
    text = f"no run was begun for this host, which is in wave {number} of {len(plan.waves)}"
    return HostOutcome(
        host=host,
        outcome=Outcome.NOT_RUN,
        cause=Cause.CANCELED,
        message="canceled before its turn",
        evidence=(Evidence(kind="message", text=text),),
    )


def _status(outcome: Outcome, *, canceled: bool) -> ActionStatus:
    if outcome in FINE:
        return ActionStatus.SUCCEEDED
    if outcome is Outcome.SUPERSEDED:
        return ActionStatus.SUPERSEDED
    if canceled:
        return ActionStatus.CANCELED
    return ActionStatus.UNKNOWN if outcome is Outcome.UNKNOWN else ActionStatus.FAILED


def _unknown_health(spec: ActionSpec) -> Health | None:
    return None if spec.type in _NOT_JUDGED else Health.UNKNOWN


def _health(spec: ActionSpec, hosts: tuple[HostOutcome, ...]) -> tuple[Health | None, str]:
    if spec.dry:
        changed = sum(host.outcome is Outcome.CHANGED for host in hosts)
        return None, f"dry run: {changed} of {len(hosts)} hosts would change"
    if spec.type in _NOT_JUDGED:
        return None, ""
    if spec.type in CHANGING:
        return health_of_hosts(hosts, wanted_running=spec.type is not ActionType.DEPLOYMENT_STOP)
    wanted = spec.deployment is not None and spec.deployment.package is not None
    return health_of_hosts((_observed(spec, host) for host in hosts), wanted_running=wanted)


def _observed(spec: ActionSpec, host: HostOutcome) -> HostOutcome:
    """Return a host as its observation of the action's own deployment shows it."""
    seen = host.observations.get(spec.deployment.id) if spec.deployment is not None else None
    if seen is None:
        return host
    return HostOutcome(host=host.host, outcome=seen.outcome, cause=seen.cause, identity=seen.identity)


def _found_text(plan: Plan, found: Collection[str]) -> str:
    names = [host for host in plan.hosts if host in found]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED_HOSTS} more" if len(names) > _NAMED_HOSTS else ""
    return f"; found as an earlier attempt left it: {', '.join(names[:_NAMED_HOSTS])}{more}"


def _message(hosts: tuple[HostOutcome, ...], outcome: Outcome, reason: str) -> str:
    if outcome in FINE:
        return reason or f"{len(hosts)} hosts are fine"
    worst = [host for host in hosts if host.outcome is outcome]
    named = ", ".join(host.host for host in worst[:_NAMED_HOSTS])
    more = f" and {len(worst) - _NAMED_HOSTS} more" if len(worst) > _NAMED_HOSTS else ""
    said = next((host.message for host in worst if host.message), "")
    return f"{outcome.replace('_', ' ')} on {named}{more}" + (f": {said}" if said else "")
