"""What the pages of runs get, gathered from the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from urllib.parse import quote, urlencode

from mgmt_ansible import errors
from mgmt_ansible.control_plane.pages.run_words import urgency
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import FINE, HostOutcome
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

PAGE_SIZE = 50
SHOWN_LINES = 2_000
"""Lines of a log that a page brings; while a run goes on its page grows to 5,000, and the rest is asked for by its numbers."""

SHOWN_HOSTS = 100
"""Hosts of a run that its page shows; the rest is asked for."""

WINDOWS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
"""How far back the list may look, as it stands in the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What of the list is wanted, as it stands in the query string."""

    search: str = ""
    environment: str = ""
    deployment: str = ""
    status: RunStatus | None = None
    within: str = ""
    before: int | None = None

    @property
    def active(self) -> bool:
        """Whether anything but the page is chosen."""
        return bool(self.search or self.environment or self.deployment or self.status or self.within)

    def filters(self, now: datetime) -> RunFilters:
        """Return what the services are asked for."""
        return RunFilters(
            search=self.search,
            environment_id=self.environment or None,
            deployment_id=self.deployment or None,
            statuses=(self.status,) if self.status else (),
            since=now - WINDOWS[self.within][1] if self.within else None,
        )

    def url(self, before: int | None) -> str:
        """Return the address of the list with these filters, from another run on."""
        values = {
            "search": self.search,
            "environment": self.environment,
            "deployment": self.deployment,
            "status": self.status,
            "within": self.within,
            "before": before,
        }
        chosen = urlencode({name: value for name, value in values.items() if value})
        return f"/runs?{chosen}" if chosen else "/runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """A page of the list."""

    runs: tuple[api_v2.Run, ...]
    total: int
    chosen: Chosen
    environments: Mapping[str, str]
    newest_sequence: int
    busy: bool

    @property
    def url(self) -> str:
        """The address of this very view."""
        return self.chosen.url(self.chosen.before)

    @property
    def older_url(self) -> str | None:
        """Where older runs are."""
        return self.chosen.url(self.runs[-1].sequence) if len(self.runs) < self.total and self.runs else None

    @property
    def newest_url(self) -> str | None:
        """Where the newest runs are, from an older page."""
        return self.chosen.url(None) if self.chosen.before else None


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
    """One run with all that its page shows."""

    run: api_v2.Run
    action: api_v2.Action
    label: str
    environment: str
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


def list_view(services: Services, chosen: Chosen) -> RunList:
    """Gather one page of the list."""
    newest_sequence = services.deployment_events.newest_sequence()
    filters = chosen.filters(datetime.now(UTC))
    page = services.runs.list_runs(filters, before=chosen.before, limit=PAGE_SIZE, hosts=False)
    running = services.actions.list_actions(status=ActionStatus.RUNNING, limit=1)
    return RunList(
        runs=tuple(page.data),
        total=page.total_count,
        chosen=chosen,
        environments=environment_names(services),
        newest_sequence=newest_sequence,
        busy=bool(running.data) or any(run.status is RunStatus.RUNNING for run in page.data),
    )


def environment_names(services: Services) -> dict[str, str]:
    """Return id -> name of the environments, by name."""
    return {one.id: one.name for one in services.registry.list_environments(limit=500).data}


def run_view(services: Services, run_id: str, *, first: int | None, only: str, with_log: bool) -> RunView:
    """Gather one run; NotFoundError.

    Args:
        services: Where from.
        run_id: Which one.
        first: Number of the log's first line to show; None means its end while the run goes on, else its beginning.
        only: `all` shows every host, however many; `failed` those that are not fine.
        with_log: Whether the log is wanted at all.
    """
    newest_sequence = services.deployment_events.newest_sequence()
    run = services.runs.get_run(run_id)
    hosts = sorted(run.hosts, key=lambda host: urgency(host.outcome))
    shown = [host for host in hosts if host.outcome not in FINE] if only == "failed" else hosts
    return RunView(
        run=run,
        action=services.actions.get_action(run.action_id),
        label=_label(services, run.deployment_id),
        environment=environment_names(services).get(run.prediction_environment_id, run.prediction_environment_id),
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


def _label(services: Services, deployment_id: str | None) -> str:
    if deployment_id is None:
        return ""
    try:
        return services.deployments.get_deployment(deployment_id).label
    except errors.NotFoundError:
        return deployment_id


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
