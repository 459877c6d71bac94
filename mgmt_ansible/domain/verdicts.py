"""Verdicts: what the outcomes of hosts add up to, and what a later look makes of an earlier one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import FINE, HostOutcome, Outcome


def after_cancel(host: HostOutcome, stopped: HostOutcome | None) -> HostOutcome:
    """Return what is known of a host after its cancel: what serves now was proved later than what the run said.

    A host whose own result is fine keeps it. With the old model proved to serve nothing is unknown any more: the change
    failed.
    """
    if stopped is None or host.outcome in FINE:
        return host
    return replace(
        host,
        outcome=_outcome_after_cancel(host, stopped),
        message=host.message if stopped.outcome in FINE else f"{host.message}; {stopped.message}".strip("; "),
        identity=stopped.identity or host.identity,
        old_model_in_use=stopped.old_model_in_use or host.old_model_in_use,
        evidence=(*host.evidence, *stopped.evidence),
    )


def _outcome_after_cancel(host: HostOutcome, stopped: HostOutcome) -> Outcome:
    if stopped.outcome is Outcome.DEGRADED:
        return Outcome.DEGRADED
    settled = host.outcome is Outcome.UNKNOWN and stopped.outcome in FINE and stopped.old_model_in_use
    return Outcome.FAILED if settled else host.outcome


_WORST_FIRST = (
    Outcome.DEGRADED,
    Outcome.FAILED,
    Outcome.ROLLED_BACK,
    Outcome.UNREACHABLE,
    Outcome.UNKNOWN,
    Outcome.SUPERSEDED,
    Outcome.NOT_RUN,
    Outcome.SKIPPED,
    Outcome.CHANGED,
    Outcome.OK,
)


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of several outcomes; `unknown` when there are none."""
    return min(outcomes, key=_WORST_FIRST.index, default=Outcome.UNKNOWN)


def health_of_hosts(hosts: Iterable[HostOutcome], *, wanted_running: bool = True) -> tuple[Health, str]:
    """Judge a deployment from its hosts' outcomes.

    Args:
        hosts: All hosts of the deployment.
        wanted_running: False for a stopped deployment, where a fine outcome means that nothing serves.

    Returns:
        Health and a reason: all fine = passing; some serving, or serving different models (`mixed`) = warning; none =
        failing; not reached = unknown. Source: design, "Health".
    """
    judged = tuple(hosts)
    if not judged or all(host.outcome in (Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.NOT_RUN) for host in judged):
        return Health.UNKNOWN, "no host was reached"
    if all(host.outcome in FINE for host in judged):
        models = {host.identity.digest for host in judged if host.identity is not None}
        if wanted_running and len(models) > 1:
            return Health.WARNING, "mixed: hosts serve different models"
        count = f"{len(judged)} of {len(judged)} hosts"
        return Health.PASSING, f"{count} serve" if wanted_running else f"nothing runs on {count}"
    serving = sum(1 for host in judged if _serves(host))
    if wanted_running and serving:
        return Health.WARNING, f"{serving} of {len(judged)} hosts serve"
    if any(host.outcome in (Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.NOT_RUN) for host in judged):
        return (
            (Health.FAILING, "no reached host serves") if wanted_running else (Health.UNKNOWN, "not all were reached")
        )
    return Health.FAILING, "no host is fine"


def _serves(host: HostOutcome) -> bool:
    return host.outcome in FINE or host.old_model_in_use or host.identity is not None
