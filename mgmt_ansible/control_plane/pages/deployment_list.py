"""The list of deployments: what its address says, and what its template gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.deployments import BUSY, IN_ACTION, states_named
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.table_formats import TableFormat
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

PAGE_SIZE = 50
JUDGED = tuple(health for health in Health if health is not Health.INFO)
IMPORTANCES = ("CRITICAL", "HIGH", "MODERATE", "LOW")
SORTS = {
    "": "Name",
    "serviceHealth": "Health, worst first",
    "importance": "Importance",
    "-updatedAt": "Newest change",
    "-createdAt": "Newest",
}
COLUMNS = {
    "health": "Health",
    "state": "State",
    "step": "In step",
    "package": "Package",
    "environment": "Environment",
    "importance": "Importance",
    "owner": "Owner",
    "event": "Last event",
}
SHOWN = ("health", "state", "step", "package", "environment", "event")
"""Columns unless others are chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What of the list is wanted, as it stands in the query string; `state` may be several words, parted by commas."""

    search: str = ""
    environment: str = ""
    host: str = ""
    model: str = ""
    owner: str = ""
    importance: str = ""
    state: str = ""
    health: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    offset: int = 0

    @property
    def active(self) -> bool:
        """Whether anything is chosen that leaves deployments out."""
        chosen = (self.search, self.environment, self.host, self.model, self.owner, self.importance)
        return any((*chosen, self.state, self.health))

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns to show, in their order."""
        return tuple(name for name in COLUMNS if name in (self.columns or SHOWN))

    @property
    def states(self) -> tuple[str, ...]:
        """The words of `state`."""
        return tuple(word for word in self.state.split(",") if word)

    @property
    def for_store(self) -> DeploymentFilters:
        """What the store is asked for."""
        return DeploymentFilters(
            environment_id=self.environment or None,
            host=self.host or None,
            package_name=self.model or None,
            owners=(self.owner,) if self.owner else (),
            importances=(self.importance,) if self.importance else (),
            states=states_named(self.states),
            healths=(Health(self.health),) if self.health else (),
            search=self.search or None,
            order_by=self.sort or None,
        )

    def query(self, path: str = "/", **changes: object) -> str:
        """Return the address of the list with these filters, or of something else about the same deployments."""
        values = {name: getattr(self, name) for name in self.__slots__} | changes
        values["column"] = values.pop("columns")
        return address(path, values)

    def export_url(self, form: TableFormat) -> str:
        """Return where exactly these deployments are as a file."""
        asked = self.for_store
        values: Mapping[str, object] = {
            "format": form.value,
            "predictionEnvironmentId": asked.environment_id,
            "host": asked.host,
            "packageName": asked.package_name,
            "importance": asked.importances,
            "owner": asked.owners,
            "state": self.states,
            "health": self.health,
            "search": asked.search,
            "orderBy": asked.order_by,
        }
        return address("/api/v2/exports/deployments/", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class InStep:
    """What hosts proved against what is wanted.

    Attributes:
        hosts: How many ever told.
        behind: How many of them serve something else than the wanted package, or something though nothing is wanted.
    """

    hosts: int
    behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """A line of the list; `action` is what is under way."""

    deployment: api_v2.Deployment
    last_event: api_v2.DeploymentEvent | None
    action: api_v2.Action | None
    step: InStep


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentList:
    """A page of the list, with the number of all that fit the filters."""

    rows: tuple[DeploymentRow, ...]
    total: int
    filters: Filters
    tally: Mapping[str, int]
    environments: tuple[api_v2.PredictionEnvironment, ...]
    models: tuple[str, ...]
    owners: tuple[str, ...]
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
        offset = self.filters.offset
        return self.filters.query(offset=max(0, offset - PAGE_SIZE)) if offset else None

    @property
    def next_url(self) -> str | None:
        """Where the lines after these are."""
        return self.filters.query(offset=self.filters.offset + PAGE_SIZE) if self.last < self.total else None

    @property
    def exports(self) -> Mapping[str, str]:
        """Format -> where these are as a file."""
        return {form.value: self.filters.export_url(form) for form in TableFormat}

    @property
    def busy(self) -> bool:
        """Whether anything shown is under way."""
        return any(row.action for row in self.rows)

    def tile_url(self, health: str = "", state: str = "") -> str:
        """Return where the deployments of a tile are; of the tile that is shown, where all are."""
        chosen = (self.filters.health, self.filters.state) == (health, state)
        return self.filters.query(health="" if chosen else health, state="" if chosen else state, offset=0)


def list_view(services: Services, filters: Filters) -> DeploymentList:
    """Gather one page of the list."""
    newest_sequence = services.deployment_events.newest_sequence()  # first: what comes later is told by the stream
    page = services.deployments.find(filters.for_store, limit=PAGE_SIZE, offset=filters.offset)
    ids = [deployment.id for deployment in page.data]
    last_events = services.deployment_events.newest_of(ids)
    steps = steps_of(services.deployments.hosts_of(ids))
    return DeploymentList(
        rows=tuple(
            DeploymentRow(
                deployment=deployment,
                last_event=last_events.get(deployment.id),
                action=current_action(services, deployment),
                step=steps.get(deployment.id, InStep(hosts=0, behind=0)),
            )
            for deployment in page.data
        ),
        total=page.total_count,
        filters=filters,
        tally=_tally(services, filters),
        environments=tuple(services.registry.list_environments(limit=500).data),
        models=services.deployments.package_names(),
        owners=services.deployments.owners(),
        newest_sequence=newest_sequence,
    )


def steps_of(hosts: Sequence[DeploymentHost]) -> dict[str, InStep]:
    """Return deployment id -> what its hosts proved; one of which no host told is left out."""
    told = Counter(host.deployment_id for host in hosts)
    behind = Counter(host.deployment_id for host in hosts if not host.in_step)
    return {name: InStep(hosts=count, behind=behind[name]) for name, count in told.items()}


def current_action(services: Services, deployment: api_v2.Deployment) -> api_v2.Action | None:
    """Return what is under way with a deployment."""
    brief = deployment.current_action
    if brief is None or brief.status not in (ActionStatus.PENDING, ActionStatus.RUNNING):
        return None
    return services.actions.get_action(brief.id)


def _tally(services: Services, filters: Filters) -> dict[str, int]:
    """Return what the tiles count: the deployments of all other filters, by health, and those in action."""
    counted = services.deployments.tally(replace(filters.for_store, healths=(), states=()))
    tally: Counter[str] = Counter()
    for (health, state), count in counted.items():
        tally[health.value] += count
        tally[IN_ACTION] += count if state in BUSY else 0
    return dict(tally)
