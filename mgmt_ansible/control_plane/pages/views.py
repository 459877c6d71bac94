"""Views: what a template gets, gathered from the services."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.wire import api_v2

PAGE_SIZE = 50
_LAST_ACTIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What of the list is wanted, as it stands in the query string."""

    search: str = ""
    environment: str = ""
    state: DeploymentState | None = None
    health: Health | None = None
    offset: int = 0

    @property
    def active(self) -> bool:
        """Whether anything but the page is chosen."""
        return bool(self.search or self.environment or self.state or self.health)

    def query(self, *, offset: int | None = None) -> str:
        """Return the address of the list with these filters, at another offset."""
        values = {
            "search": self.search,
            "environment": self.environment,
            "state": self.state or "",
            "health": self.health or "",
            "offset": self.offset if offset is None else offset,
        }
        chosen = urlencode({name: value for name, value in values.items() if value})
        return f"/?{chosen}" if chosen else "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """A line of the list; `action` is what is under way."""

    deployment: api_v2.Deployment
    last_event: api_v2.DeploymentEvent | None
    action: api_v2.Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentList:
    """A page of the list, with the number of all that fit the filters."""

    rows: tuple[DeploymentRow, ...]
    total: int
    filters: Filters
    environments: tuple[api_v2.PredictionEnvironment, ...]
    newest_sequence: int

    @property
    def first(self) -> int:
        """Number of the first line shown, from 1."""
        return self.filters.offset + 1

    @property
    def last(self) -> int:
        """Number of the last line shown."""
        return self.filters.offset + len(self.rows)

    @property
    def previous_url(self) -> str | None:
        """Where the lines before these are."""
        return self.filters.query(offset=max(0, self.filters.offset - PAGE_SIZE)) if self.filters.offset else None

    @property
    def next_url(self) -> str | None:
        """Where the lines after these are."""
        return self.filters.query(offset=self.filters.offset + PAGE_SIZE) if self.last < self.total else None

    @property
    def busy(self) -> bool:
        """Whether anything shown is under way."""
        return any(row.action for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """What one host made of the newest action, and where it answers."""

    name: str
    outcome: HostOutcome | None
    endpoint: api_v2.Endpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentView:
    """One deployment with all that its page shows."""

    deployment: api_v2.Deployment
    action: api_v2.Action | None
    last_action: api_v2.Action | None
    hosts: tuple[HostRow, ...]
    deployment_events: tuple[api_v2.DeploymentEvent, ...]
    events_total: int
    health: Health | None
    before: int | None
    newest_sequence: int

    @property
    def url(self) -> str:
        """The address of this very view."""
        return self._address(before=self.before)

    @property
    def older_url(self) -> str | None:
        """Where older entries are."""
        if len(self.deployment_events) < PAGE_SIZE:
            return None
        return self._address(before=self.deployment_events[-1].sequence)

    @property
    def newest_url(self) -> str:
        """Where the newest entries are."""
        return self._address(before=None)

    def _address(self, *, before: int | None) -> str:
        values = {"health": self.health, "before": before}
        chosen = urlencode({name: value for name, value in values.items() if value})
        return f"/deployments/{self.deployment.id}" + (f"?{chosen}" if chosen else "")


def list_view(services: Services, filters: Filters) -> DeploymentList:
    """Gather one page of the list."""
    newest_sequence = services.deployment_events.newest_sequence()  # first: what comes later is told by the stream
    page = services.deployments.list_deployments(
        environment_id=filters.environment or None,
        state=filters.state,
        health=filters.health,
        search=filters.search or None,
        limit=PAGE_SIZE,
        offset=filters.offset,
    )
    last_events = services.deployment_events.newest_of([deployment.id for deployment in page.data])
    return DeploymentList(
        rows=tuple(
            DeploymentRow(
                deployment=deployment,
                last_event=last_events.get(deployment.id),
                action=_current_action(services, deployment),
            )
            for deployment in page.data
        ),
        total=page.total_count,
        filters=filters,
        environments=tuple(services.registry.list_environments(limit=500).data),
        newest_sequence=newest_sequence,
    )


def deployment_view(
    services: Services, deployment_id: str, *, health: Health | None, before: int | None
) -> DeploymentView:
    """Gather one deployment; NotFoundError."""
    newest_sequence = services.deployment_events.newest_sequence()
    deployment = services.deployments.get_deployment(deployment_id)
    filters = EventFilters(deployment_id=deployment_id, healths=(health,) if health else ())
    feed = services.deployment_events.list_events(filters, before=before, limit=PAGE_SIZE)
    last_action = _last_action(services, deployment_id)
    return DeploymentView(
        deployment=deployment,
        action=_current_action(services, deployment),
        last_action=last_action,
        hosts=host_rows(deployment, last_action),
        deployment_events=tuple(feed.data),
        events_total=feed.total_count,
        health=health,
        before=before,
        newest_sequence=newest_sequence,
    )


def host_rows(deployment: api_v2.Deployment, action: api_v2.Action | None) -> tuple[HostRow, ...]:
    """Join outcomes and endpoints by host, hosts of the action first."""
    outcomes = {outcome.host: outcome for outcome in (action.hosts if action else ())}
    endpoints = {endpoint.host: endpoint for endpoint in deployment.endpoints}
    return tuple(
        HostRow(name=name, outcome=outcomes.get(name), endpoint=endpoints.get(name))
        for name in dict.fromkeys((*outcomes, *endpoints))
    )


def _current_action(services: Services, deployment: api_v2.Deployment) -> api_v2.Action | None:
    brief = deployment.current_action
    if brief is None or brief.status not in (ActionStatus.PENDING, ActionStatus.RUNNING):
        return None
    return services.actions.get_action(brief.id)


def _last_action(services: Services, deployment_id: str) -> api_v2.Action | None:
    """Return the newest action that said something about hosts."""
    recent = services.actions.list_actions(deployment_id=deployment_id, limit=_LAST_ACTIONS).data
    ended = next((action for action in recent if action.finished_at and action.status != "superseded"), None)
    return services.actions.get_action(ended.id) if ended else None
