"""The list of events: what its address says, and what its template gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.pages.time_ranges import begin_of, read_time
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters, ExportFormat
from mgmt_ansible.domain.golden import GoldenReport
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.next_steps import NextStep, next_step
from mgmt_ansible.domain.outcomes import Cause
from mgmt_ansible.domain.receipts import Receipt
from mgmt_ansible.wire import api_v2

PAGE_SIZE = 50
_RELATED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChoice:
    """What of the feed is wanted, as it stands in the query string.

    Attributes:
        within: A key of `time_ranges.WINDOWS`; `since` wins over it.
        since: A time (`2026-11-01T08:00:00Z`; UTC when it names no zone).
        until: Such a time.
        event: Id of the entry that is shown beside the list.
        before: Sequence; entries before it are shown.
    """

    search: str = ""
    environment: str = ""
    deployment: str = ""
    host: str = ""
    type: str = ""
    category: str = ""
    health: str = ""
    actor: str = ""
    within: str = ""
    since: str = ""
    until: str = ""
    event: str = ""
    before: int = 0

    @property
    def active(self) -> bool:
        """Whether anything is chosen that leaves entries out."""
        return any(getattr(self, name) for name in self.__slots__ if name not in ("event", "before"))

    def query(self, path: str = "/events", **changes: object) -> str:
        """Return the address of this view with other choices."""
        return address(path, {name: getattr(self, name) for name in self.__slots__} | changes)

    def filters(self, now: datetime) -> EventFilters:
        """Return what the feed is asked for."""
        return EventFilters(
            deployment_id=self.deployment or None,
            environment_id=self.environment or None,
            hosts=(self.host,) if self.host else (),
            types=(self.type,) if self.type else (),
            categories=(EventCategory(self.category),) if self.category else (),
            healths=(Health(self.health),) if self.health else (),
            actor=self.actor or None,
            since=begin_of(self.since, self.within, now),
            until=read_time(self.until),
            search=self.search,
        )

    def export_url(self, form: ExportFormat, now: datetime) -> str:
        """Return where exactly these entries are as a file; a time that is told from now is fixed at now."""
        filters = self.filters(now)
        values: Mapping[str, object] = {
            "format": form.value,
            "deploymentId": filters.deployment_id,
            "predictionEnvironmentId": filters.environment_id,
            "host": filters.hosts,
            "type": filters.types,
            "category": [one.value for one in filters.categories],
            "health": [one.value for one in filters.healths],
            "actor": filters.actor,
            "since": filters.since.isoformat() if filters.since else "",
            "until": filters.until.isoformat() if filters.until else "",
            "search": filters.search,
        }
        return address("/api/v2/deploymentEvents/export/", values)


class HostTold(BaseModel):
    """What an entry says of a host's replacement; what an outsider wrote there in another shape is left out."""

    receipt: Receipt | None = None
    golden: GoldenReport | None = None
    gap_seconds: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPanel:
    """One entry with all that is known of it.

    Attributes:
        steps: What to do: a cause with its step, in the order of the hosts.
        told: What hosts told beside their outcome: host -> its loss receipt and golden predictions.
        related: Entries of the same action, else of the same deployment, newest first.
    """

    entry: api_v2.DeploymentEvent
    steps: tuple[tuple[Cause, str, NextStep], ...]
    told: Mapping[str, HostTold]
    related: tuple[api_v2.DeploymentEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventList:
    """A page of the feed.

    Attributes:
        exact: Whether `total` is all there are, or there are more.
    """

    choice: EventChoice
    entries: tuple[api_v2.DeploymentEvent, ...]
    total: int
    exact: bool
    panel: EventPanel | None
    environments: tuple[api_v2.PredictionEnvironment, ...]
    newest_sequence: int
    exports: Mapping[str, str]

    @property
    def older_url(self) -> str | None:
        """Where older entries are."""
        if len(self.entries) < PAGE_SIZE:
            return None
        return self.choice.query(before=self.entries[-1].sequence, event="")


def of_deployment(choice: EventChoice, deployment_id: str) -> EventChoice:
    """Return a choice that is about one deployment."""
    return replace(choice, deployment=deployment_id)


def event_view(services: Services, choice: EventChoice) -> EventList:
    """Gather one page of the feed."""
    newest_sequence = services.deployment_events.newest_sequence()
    now = datetime.now(UTC)
    page = services.deployment_events.list_events(choice.filters(now), before=choice.before or None, limit=PAGE_SIZE)
    return EventList(
        choice=choice,
        entries=tuple(page.data),
        total=page.total_count,
        exact=page.total_count_exact,
        panel=panel(services, choice.event) if choice.event else None,
        environments=tuple(services.registry.list_environments(limit=500).data),
        newest_sequence=newest_sequence,
        exports={form.value: choice.export_url(form, now) for form in ExportFormat},
    )


def panel(services: Services, entry_id: str) -> EventPanel:
    """Gather one entry; NotFoundError."""
    entry = services.deployment_events.get_event(entry_id)
    told = {name: found for name, one in _hosts(entry).items() if (found := _told(one)) is not None}
    return EventPanel(entry=entry, steps=tuple(_steps(entry)), told=told, related=_related(services, entry))


def _hosts(entry: api_v2.DeploymentEvent) -> Mapping[str, Mapping[str, object]]:
    """Return what an entry says of hosts by name; `data` is whatever came."""
    told = entry.data.get("hosts")
    hosts = told if isinstance(told, dict) else {}
    return {str(name): one for name, one in hosts.items() if isinstance(one, dict)}


def _told(host: Mapping[str, object]) -> HostTold | None:
    try:
        return HostTold.model_validate({name: host.get(name) for name in ("receipt", "golden")})
    except ValidationError:
        return None


def _steps(entry: api_v2.DeploymentEvent) -> Iterator[tuple[Cause, str, NextStep]]:
    """Yield each cause once, with the first host that has it."""
    seen: set[Cause] = set()
    for name, one in {**_hosts(entry), "": entry.data}.items():
        word = one.get("cause")
        if not isinstance(word, str) or word not in set(Cause) or Cause(word) in seen:
            continue
        seen.add(Cause(word))
        step = next_step(
            Cause(word),
            environment=entry.prediction_environment_id,
            deployment=entry.deployment_id,
            host=name or None,
            old_model_in_use=one.get("old_model_in_use") is True,
        )
        yield Cause(word), name, step


def _related(services: Services, entry: api_v2.DeploymentEvent) -> tuple[api_v2.DeploymentEvent, ...]:
    if entry.deployment_id is None:
        return ()
    near = services.deployment_events.list_events(
        EventFilters(deployment_id=entry.deployment_id), before=entry.sequence + 4 * _RELATED, limit=8 * _RELATED
    ).data
    others = [one for one in near if one.id != entry.id]
    same = [one for one in others if entry.action_id and one.action_id == entry.action_id]
    return tuple((same or others)[:_RELATED])
