"""What a result does: the action ends, the deployment gets its state, health and endpoints, and the feed its entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mgmt_ansible.control_plane.cleaned_reports import HOSTS
from mgmt_ansible.control_plane.deployment_health import set_health
from mgmt_ansible.control_plane.deployments import forget
from mgmt_ansible.control_plane.entries import (
    action_words,
    append_event,
    evidence_data,
    host_data,
    package_data,
    subject_of,
)
from mgmt_ansible.control_plane.judgement import (
    Verdict,
    ended_untouched,
    endpoints_of,
    judge_change,
    judge_some,
    judge_unproved,
    judge_untouched,
)
from mgmt_ansible.control_plane.sights import apply_sights
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord, DeploymentRecord, Prior
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import REPLACING, ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.domain.receipts import lost_in_all
from mgmt_ansible.domain.reports import ResultReport
from mgmt_ansible.wire.api_v2 import Endpoint

_GENERATIONS = range(1, 2**53)
"""What a host's fence can hold: above it a double, and so JSON in a browser, loses digits."""


def take_result(tx: Transaction, action: ActionRecord, report: ResultReport, *, actor: str) -> None:
    """Apply a result whose claim is the newest; the report is clean."""
    tx.actions.update(
        action.id,
        status=report.status.value,
        outcome=report.outcome.value,
        cause=report.cause.value if report.cause else None,
        message=report.message,
        hosts=HOSTS.dump_python(report.hosts, mode="json"),
        expires_at=None,
        finished_at=tx.now,
        progress="",
    )
    tx.runs.abandon(action.id, at=tx.now)
    _remember_fences(tx, action, report.hosts)
    if action.type is ActionType.DEPLOYMENT_DRY_RUN:
        _append_forecast(tx, action, report, actor=actor)
    elif not action.changing:
        apply_sights(tx, action, report, actor=actor)
    elif report.status is ActionStatus.SUPERSEDED:
        _apply_superseded(tx, action, report, actor=actor)
    else:
        _apply_change(tx, action, report, actor=actor)


def _remember_fences(tx: Transaction, action: ActionRecord, hosts: Sequence[HostOutcome]) -> None:
    newest: dict[str, int] = {}
    for deployment_id, generation in _told_fences(action, hosts):
        if generation in _GENERATIONS:
            newest[deployment_id] = max(generation, newest.get(deployment_id, 0))
    places = tx.deployments.environments_of(tuple(newest))
    tx.deployments.raise_generations(
        {name: newest[name] for name, environment_id in places.items() if environment_id == action.environment_id}
    )


def _told_fences(action: ActionRecord, hosts: Sequence[HostOutcome]) -> Iterator[tuple[str, int]]:
    """Yield what hosts said of the deployments that the action is about, and of no others."""
    about = {target.id for target in action.spec.deployments} | {action.deployment_id}
    for host in hosts:
        if action.deployment_id is not None and host.fence_generation is not None:
            yield action.deployment_id, host.fence_generation
        for observation in host.observations.values():
            if observation.deployment_id in about:
                yield observation.deployment_id, observation.fence_generation


def _apply_change(tx: Transaction, action: ActionRecord, report: ResultReport, *, actor: str) -> None:
    prior = _prior_untouched(action, report)
    verdict = _verdict(tx, action, report, prior)
    _append_ended(tx, action, report, verdict, actor=actor)
    package_id = _serving_package(tx, action, report)
    deployment = _current(tx, action)
    if deployment is None:
        _tell_waiting(tx, action, verdict.state, package_id)
        return
    if verdict.state is DeploymentState.STOPPED and deployment.forget_when_stopped:
        forget(tx, deployment, actor=actor)
        return
    tx.deployment_hosts.tell(
        deployment.id,
        report.hosts,
        environment_id=deployment.environment_id,
        action_id=action.id,
        at=tx.now,
        complete=not action.spec.limit,
    )
    done = report.status is ActionStatus.SUCCEEDED
    set_health(
        tx,
        deployment,
        verdict.health,
        verdict.message,
        state=verdict.state.value,
        package_id=package_id or deployment.package.id,
        wanted_running=prior.wanted_running if prior else deployment.wanted_running,
        endpoints=() if verdict.state is DeploymentState.STOPPED else _endpoints(action, report, deployment),
        **({"words_from_generation": deployment.generation, "deployed_at": tx.now} if done else {}),
    )


def _endpoints(action: ActionRecord, report: ResultReport, deployment: DeploymentRecord) -> tuple[Endpoint, ...]:
    """Return where the deployment answers now: hosts that were not meant answer where they did."""
    told = endpoints_of(report.hosts, deployment.endpoints)
    if not action.spec.limit:
        return told
    spoken_of = {host.host for host in report.hosts}
    return (*told, *(endpoint for endpoint in deployment.endpoints if endpoint.host not in spoken_of))


def _verdict(tx: Transaction, action: ActionRecord, report: ResultReport, prior: Prior | None) -> Verdict:
    if prior is not None:
        return judge_untouched(prior.state, report)
    if ended_untouched(report) and not _proves_untouched(action, report):
        return judge_unproved(report)
    if action.spec.limit and action.deployment_id:
        return judge_some(report, _others(tx, action.deployment_id, report))
    return judge_change(action.type, report)


def _others(tx: Transaction, deployment_id: str, report: ResultReport) -> tuple[HostOutcome, ...]:
    """Return what the hosts that were not meant said last."""
    spoken_of = {host.host for host in report.hosts}
    return tuple(
        HostOutcome(host=one.host, outcome=one.outcome, cause=one.cause, message=one.message)
        for one in tx.deployment_hosts.of(deployment_id)
        if one.host not in spoken_of
    )


def _prior_untouched(action: ActionRecord, report: ResultReport) -> Prior | None:
    """Return what a replace left as it was."""
    replaces = action.type in REPLACING
    untouched = ended_untouched(report) and _proves_untouched(action, report)
    return action.prior if replaces and untouched else None


def _proves_untouched(action: ActionRecord, report: ResultReport) -> bool:
    """Tell whether no attempt touched a host.

    A later attempt cannot tell what a former one did, unless the fence of every host says that none ever began.
    """
    return action.attempt == 1 or (bool(report.hosts) and all(_never_begun(action, host) for host in report.hosts))


def _never_begun(action: ActionRecord, host: HostOutcome) -> bool:
    return host.fence_generation is not None and host.fence_generation < (action.generation or 0)


def _tell_waiting(tx: Transaction, action: ActionRecord, state: DeploymentState, package_id: str | None = None) -> None:
    """Let a newer change that has not begun return to this one's end, should it be canceled."""
    for other in tx.actions.unfinished(action.deployment_id or ""):
        prior = other.prior
        if other.status is ActionStatus.PENDING and prior and prior.generation == action.generation:
            tx.actions.set_prior(other.id, replace(prior, state=state, package_id=package_id or prior.package_id))


def _serving_package(tx: Transaction, action: ActionRecord, report: ResultReport) -> str | None:
    """Return the package to go back to when a change failed and the old model serves."""
    old_model = any(host.old_model_in_use for host in report.hosts) or _prior_untouched(action, report)
    if report.status is ActionStatus.SUCCEEDED or not old_model:
        return None
    for host in report.hosts:
        found = tx.packages.find_digest(host.identity.digest) if host.old_model_in_use and host.identity else None
        if found is not None:
            return found.id
    return action.prior.package_id if action.prior and tx.packages.exists(action.prior.package_id) else None


def _apply_superseded(tx: Transaction, action: ActionRecord, report: ResultReport, *, actor: str) -> None:
    pairs = {
        host.host: [host.fence_generation, host.fence_attempt]
        for host in report.hosts
        if host.fence_generation is not None
    }
    message = report.message or "hosts know of newer work"
    append_event(
        tx,
        type=deployment_events.ACTION_SUPERSEDED,
        environment_id=action.environment_id,
        deployment_id=action.deployment_id,
        action_id=action.id,
        generation=action.generation,
        health=Health.WARNING,
        occurred_at=report.finished_at,
        title="Action superseded",
        message=f"{action.type.value}: {message}",
        actor=actor,
        data={"fences": pairs},
    )
    deployment = _current(tx, action)
    if deployment is None:
        _tell_waiting(tx, action, DeploymentState.UNKNOWN)
        return
    set_health(tx, deployment, Health.UNKNOWN, message, state=DeploymentState.UNKNOWN.value)


def _current(tx: Transaction, action: ActionRecord) -> DeploymentRecord | None:
    """Return the deployment if this action is still its newest change."""
    deployment = tx.deployments.find_record(action.deployment_id) if action.deployment_id else None
    return deployment if deployment is not None and deployment.generation == action.generation else None


def _append_forecast(tx: Transaction, action: ActionRecord, report: ResultReport, *, actor: str) -> None:
    """Tell what a dry run found; nothing of the deployment changes."""
    append_event(
        tx,
        type=deployment_events.ACTION_DRY_RUN,
        environment_id=action.environment_id,
        deployment_id=action.deployment_id,
        action_id=action.id,
        run_id=tx.runs.newest_of(action.id),
        occurred_at=report.finished_at,
        title=f"Dry run {report.status.value}: {subject_of(action.spec.work)}",
        message=report.message,
        actor=actor,
        data={
            "hosts": {host.host: host_data(host) for host in report.hosts},
            "outcome": report.outcome.value,
            "cause": report.cause.value if report.cause else None,
            "evidence": evidence_data(report.hosts),
            "package": package_data(action.spec.deployment.package if action.spec.deployment else None),
        },
    )


def _append_ended(tx: Transaction, action: ActionRecord, report: ResultReport, verdict: Verdict, *, actor: str) -> None:
    event_type, title = action_words(action.type, verdict.phase)
    gaps = [host.gap_seconds for host in report.hosts if host.gap_seconds is not None]
    lost = lost_in_all({host.host: host.receipt for host in report.hosts if host.receipt is not None})
    package = action.spec.deployment.package if action.spec.deployment else None
    run_id = tx.runs.newest_of(action.id)
    append_event(
        tx,
        type=event_type,
        environment_id=action.environment_id,
        deployment_id=action.deployment_id,
        action_id=action.id,
        run_id=run_id,
        generation=action.generation,
        health=verdict.health,
        occurred_at=report.finished_at,
        title=title,
        message="; ".join(filter(None, (verdict.message, lost))),
        actor=actor,
        data={
            "hosts": {host.host: host_data(host) for host in report.hosts},
            "outcome": report.outcome.value,
            "cause": report.cause.value if report.cause else None,
            "evidence": evidence_data(report.hosts),
            "run_id": run_id,
            "gap_seconds": max(gaps) if gaps else None,
            "old_model_in_use": any(host.old_model_in_use for host in report.hosts),
            "package": package_data(package),
        },
    )
