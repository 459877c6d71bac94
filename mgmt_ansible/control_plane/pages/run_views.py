"""One run: what its page gets, gathered from the services."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from urllib.parse import quote

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.pages.asking import Verb, offered
from mgmt_ansible.control_plane.pages.run_words import urgency
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.outcomes import FINE, HostOutcome
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

SHOWN_LINES = 2_000
"""Lines of a log that a page brings; while a run goes on its page grows to 5,000, and the rest is asked for by its numbers."""

SHOWN_HOSTS = 100
"""Hosts of a run that its page shows; the rest is asked for."""

_MENDING = ("rollback", "relaunch-failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A step of the work, over all hosts.

    Attributes:
        share: Of the slowest phase's time, in percent.
    """

    name: str
    hosts: int
    changed: int
    seconds: float
    slowest: float
    slowest_host: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBar:
    """A host with its time; `share` is of the slowest host's, in percent."""

    outcome: HostOutcome
    seconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run with all that its page shows.

    Attributes:
        verbs: What whoever looks may ask of the run's deployment now, to undo or mend what the run did.
    """

    run: api_v2.Run
    action: api_v2.Action
    label: str
    environment: str
    verbs: tuple[Verb, ...]
    phases: tuple[Phase, ...]
    bars: tuple[HostBar, ...]
    hosts_total: int
    only: str
    log: api_v2.RunLog | None
    failure: int | None
    newest_sequence: int

    @property
    def path(self) -> str:
        """The run's own address."""
        return f"/runs/{quote(self.run.id, safe='')}"

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self.run.status is RunStatus.RUNNING

    @property
    def failed_hosts(self) -> int:
        """How many hosts are not fine."""
        return sum(count for outcome, count in self.run.outcomes.items() if outcome not in FINE)

    def at_line(self, number: int) -> str:
        """Return the address of a line: with the part of the log that it is in."""
        first = max(1, (number - 1) // SHOWN_LINES * SHOWN_LINES + 1)
        return f"{self.path}?first={first}#L{number}"


def environment_names(services: Services) -> dict[str, str]:
    """Return id -> name of the environments, by name."""
    return {one.id: one.name for one in services.registry.list_environments(limit=500).data}


def run_view(
    services: Services, run_id: str, principal: Principal, *, first: int | None, only: str, with_log: bool
) -> RunView:
    """Gather one run; NotFoundError.

    Args:
        services: Where from.
        run_id: Which one.
        principal: Who looks.
        first: Number of the log's first line to show; None means its end while the run goes on, else its beginning.
        only: `all` shows every host, however many; `failed` those that are not fine.
        with_log: Whether the log is wanted at all.
    """
    newest_sequence = services.deployment_events.newest_sequence()
    run = services.runs.get_run(run_id)
    hosts = sorted(run.hosts, key=lambda host: urgency(host.outcome))
    shown = [host for host in hosts if host.outcome not in FINE] if only == "failed" else hosts
    deployment = _deployment(services, run.deployment_id)
    return RunView(
        run=run,
        action=services.actions.get_action(run.action_id),
        label=deployment.label if deployment else run.deployment_id or "",
        environment=environment_names(services).get(run.prediction_environment_id, run.prediction_environment_id),
        verbs=tuple(verb for verb in offered(services, deployment, principal) if verb.name in _MENDING)
        if deployment
        else (),
        phases=_phases(run.hosts),
        bars=_bars(shown if only == "all" else shown[:SHOWN_HOSTS], hosts),
        hosts_total=len(shown),
        only=only,
        log=_log(services, run, first) if with_log else None,
        failure=services.runs.first_failure(run_id) if with_log else None,
        newest_sequence=newest_sequence,
    )


def _log(services: Services, run: api_v2.Run, first: int | None) -> api_v2.RunLog:
    if first is None and run.status is RunStatus.RUNNING:
        return services.runs.read_log_end(run.id, limit=SHOWN_LINES // 2)
    return services.runs.read_log(run.id, first=first or 1, limit=SHOWN_LINES)


def _deployment(services: Services, deployment_id: str | None) -> api_v2.Deployment | None:
    """Return a run's deployment; None for one of a whole environment, or when it was deleted."""
    if deployment_id is None:
        return None
    try:
        return services.deployments.get_deployment(deployment_id)
    except errors.NotFoundError:
        return None


def _bars(shown: list[HostOutcome], hosts: list[HostOutcome]) -> tuple[HostBar, ...]:
    longest = max((_seconds(host) for host in hosts), default=0.0)
    return tuple(
        HostBar(outcome=host, seconds=_seconds(host), share=100 * _seconds(host) / longest if longest else 0.0)
        for host in shown
    )


def _seconds(host: HostOutcome) -> float:
    return sum(step.seconds for step in host.steps)


def _phases(hosts: list[HostOutcome]) -> tuple[Phase, ...]:
    found: dict[str, list[tuple[float, str, bool]]] = {}
    for host in hosts:
        for step in host.steps:
            found.setdefault(step.name, []).append((step.seconds, host.host, step.changed))
    longest = max((seconds for steps in found.values() for seconds, _, _ in steps), default=0.0)
    return tuple(
        Phase(
            name=name,
            hosts=len(steps),
            changed=sum(changed for _, _, changed in steps),
            seconds=median(seconds for seconds, _, _ in steps),
            slowest=max(steps)[0],
            slowest_host=max(steps)[1],
            share=100 * max(steps)[0] / longest if longest else 0.0,
        )
        for name, steps in found.items()
    )
