"""Judgement: what an agent's result means for a deployment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState, DeploymentTarget
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import FINE, HostOutcome, Observation, Outcome
from mgmt_ansible.domain.reports import ResultReport
from mgmt_ansible.domain.verdicts import health_of_hosts
from mgmt_ansible.wire.api_v2 import Endpoint

_RUNS = "running"
_NOT_SEEN = (Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.NOT_RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a deployment is now.

    Attributes:
        phase: Last part of the event's word: `succeeded` or `failed`.
        message: One sentence.
    """

    state: DeploymentState
    health: Health
    message: str
    phase: str


def judge_change(action_type: ActionType, report: ResultReport) -> Verdict:
    """Judge the result of an action that changes hosts; any final status but `superseded`.

    A failed replace that left the old model serving leaves the deployment ready, with a warning.
    """
    stops = action_type is ActionType.DEPLOYMENT_STOP
    judged, reason = health_of_hosts(report.hosts, wanted_running=not stops)
    message = report.message or reason
    if report.status is ActionStatus.SUCCEEDED:
        state = DeploymentState.STOPPED if stops else DeploymentState.READY
        return Verdict(state=state, health=report.health or judged, message=message, phase="succeeded")
    if report.status is ActionStatus.UNKNOWN:
        return Verdict(state=DeploymentState.UNKNOWN, health=Health.UNKNOWN, message=message, phase="failed")
    if not stops and any(host.old_model_in_use for host in report.hosts):
        return Verdict(state=DeploymentState.READY, health=Health.WARNING, message=message, phase="failed")
    return Verdict(
        state=DeploymentState.ERRORED, health=report.health or Health.FAILING, message=message, phase="failed"
    )


def judge_some(report: ResultReport, others: Sequence[HostOutcome]) -> Verdict:
    """Judge a change that was meant for some hosts: the deployment is what all its hosts are.

    Args:
        report: Of the hosts that were meant.
        others: What the others said last; they were not asked.
    """
    health, reason = health_of_hosts((*report.hosts, *others))
    fine = report.status is ActionStatus.SUCCEEDED
    states = {Health.PASSING: DeploymentState.READY, Health.WARNING: DeploymentState.READY}
    state = states.get(health, DeploymentState.UNKNOWN if health is Health.UNKNOWN else DeploymentState.ERRORED)
    message = f"{report.message}; {reason}".strip("; ") if others else report.message or reason
    return Verdict(state=state, health=health, message=message, phase="succeeded" if fine else "failed")


def ended_untouched(report: ResultReport) -> bool:
    """Tell whether a change ended before any host was touched: it was canceled, or plan or package failed."""
    ended = report.status in (ActionStatus.FAILED, ActionStatus.CANCELED)
    return ended and all(host.outcome is Outcome.NOT_RUN for host in report.hosts)


def judge_untouched(prior: DeploymentState, report: ResultReport) -> Verdict:
    """Judge a change that touched no host: the deployment is what it was.

    Args:
        prior: The state before the change; what served then serves on, which is worth a warning only.
        report: The result.
    """
    healths = {DeploymentState.READY: Health.WARNING, DeploymentState.ERRORED: Health.FAILING}
    message = report.message or "no host was touched"
    return Verdict(state=prior, health=healths.get(prior, Health.UNKNOWN), message=message, phase="failed")


def judge_unproved(report: ResultReport) -> Verdict:
    """Judge a change whose last attempt touched no host, while a former one may have: a look will tell."""
    message = report.message or "no host was touched by this attempt; what a former one did is not known"
    return Verdict(state=DeploymentState.UNKNOWN, health=Health.UNKNOWN, message=message, phase="failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a read-only look at a deployment says.

    Attributes:
        hosts: The observations, as outcomes of this deployment.
    """

    health: Health
    message: str
    hosts: tuple[HostOutcome, ...]


def judge_sight(target: DeploymentTarget, hosts: Sequence[HostOutcome]) -> Sight:
    """Judge one deployment from the observations of a status action.

    Args:
        target: As the action carried it; without a package nothing should run.
        hosts: Every host of the action, with observations by deployment id.
    """
    seen = tuple(_outcome_here(target, host) for host in hosts)
    health, reason = health_of_hosts(seen, wanted_running=target.package is not None)
    told = next((f"{host.host}: {host.message}" for host in seen if host.outcome not in FINE and host.message), "")
    message = reason if health is Health.PASSING or not told else f"{reason}; {told}"
    return Sight(health=health, message=message, hosts=seen)


def state_after_sight(state: DeploymentState, sight: Sight, *, wanted_running: bool) -> DeploymentState:
    """Return the state after a look: it settles `unknown`, and heals `errored`; nothing else moves."""
    if state not in (DeploymentState.UNKNOWN, DeploymentState.ERRORED):
        return state
    if sight.health in (Health.PASSING, Health.WARNING):
        return DeploymentState.READY if wanted_running else DeploymentState.STOPPED
    if sight.health is Health.FAILING:
        return DeploymentState.ERRORED
    return state


def endpoints_of(hosts: Iterable[HostOutcome], former: Sequence[Endpoint] = ()) -> tuple[Endpoint, ...]:
    """Return where the hosts answer; what no host spoke of stays as it was.

    A host that was not reached, or whose old model serves on, keeps what was proved there before.
    """
    before = {endpoint.host: endpoint for endpoint in former}
    told = tuple(hosts)
    if not told:
        return tuple(former)
    found: list[Endpoint] = []
    for host in told:
        if host.identity is not None:
            found.append(
                Endpoint(
                    host=host.host,
                    url=host.identity.url,
                    port=host.identity.port,
                    digest=host.identity.digest,
                    generation=host.identity.generation,
                    pid=host.identity.pid,
                )
            )
        elif host.host in before and (host.old_model_in_use or host.outcome in _NOT_SEEN):
            found.append(before[host.host])
    return tuple(found)


def _outcome_here(target: DeploymentTarget, host: HostOutcome) -> HostOutcome:
    observation = host.observations.get(target.id)
    if observation is None:
        outcome = host.outcome if host.outcome not in FINE else Outcome.UNKNOWN
        message = host.message or "the host said nothing about this deployment"
        return HostOutcome(host=host.host, outcome=outcome, cause=host.cause, message=message)
    outcome, message = _checked(target, observation)
    return HostOutcome(
        host=host.host,
        outcome=outcome,
        cause=observation.cause,
        drift=observation.drift,
        message=message,
        evidence=observation.evidence,
        identity=observation.identity,
    )


def _checked(target: DeploymentTarget, observation: Observation) -> tuple[Outcome, str]:
    if observation.outcome not in FINE:
        return observation.outcome, observation.message or f"is {observation.state}"
    if target.package is None and observation.state == _RUNS:
        return Outcome.FAILED, "a model runs although the deployment is stopped"
    if target.package is not None and observation.state != _RUNS:
        return Outcome.FAILED, f"should serve but is {observation.state}"
    if target.package is not None and observation.identity and observation.identity.digest != target.package.digest:
        return Outcome.FAILED, "serves another model than the wanted one"
    return observation.outcome, observation.message
