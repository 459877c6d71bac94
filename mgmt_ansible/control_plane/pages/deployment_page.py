"""One deployment: what the templates of its tabs get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.pages.asking import Verb, offered
from mgmt_ansible.control_plane.pages.deployment_list import InStep, current_action, steps_of
from mgmt_ansible.control_plane.pages.response_charts import ResponseChart, hours_of, response_chart
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.actions import CHANGING, ActionSpec, ActionStatus
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.health_strips import HealthStrip, health_strip
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.domain.responses import ResponseSource
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

PAGE_SIZE = 50
_LAST_ACTIONS = 10
STRIPS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "90d": timedelta(days=90)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every tab of a deployment shows at its top.

    Attributes:
        action: What is under way.
        verbs: What whoever looks may ask for now.
        newest_sequence: Of the feed; the stream tells what comes later.
    """

    deployment: api_v2.Deployment
    action: api_v2.Action | None
    verbs: tuple[Verb, ...]
    newest_sequence: int

    @property
    def path(self) -> str:
        """Where the deployment is."""
        return f"/deployments/{self.deployment.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """A host: its own newest result, what it made of the newest ended action, and where it answers."""

    name: str
    own: DeploymentHost | None
    outcome: HostOutcome | None
    endpoint: api_v2.Endpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The first tab."""

    frame: Frame
    last_action: api_v2.Action | None
    hosts: tuple[HostRow, ...]
    step: InStep
    strip: HealthStrip
    strip_name: str
    charts: tuple[ResponseChart, ...]
    deployment_events: tuple[api_v2.DeploymentEvent, ...]
    events_total: int
    health: Health | None
    before: int | None

    @property
    def url(self) -> str:
        """The address of this very view."""
        return self.address(before=self.before)

    @property
    def older_url(self) -> str | None:
        """Where older entries are."""
        if len(self.deployment_events) < PAGE_SIZE:
            return None
        return self.address(before=self.deployment_events[-1].sequence)

    def address(self, **changes: object) -> str:
        """Return the address of this view with other choices."""
        strip = "" if self.strip_name == "24h" else self.strip_name
        return address(self.frame.path, {"health": self.health, "before": None, "strip": strip} | changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A line of a comparison of two releases."""

    name: str
    before: str
    after: str

    @property
    def same(self) -> bool:
        """Whether both are alike."""
        return self.before == self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An action that brought a generation, with what it was to serve."""

    action: api_v2.Action
    spec: ActionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The tab of versions and actions.

    Attributes:
        releases: Changes, newest first.
        differences: The newest release that succeeded against the one before it; empty without two.
    """

    frame: Frame
    releases: tuple[Release, ...]
    differences: tuple[Difference, ...]
    total: int


def frame_of(services: Services, deployment_id: str, principal: Principal) -> Frame:
    """Gather what every tab shows; NotFoundError."""
    newest_sequence = services.deployment_events.newest_sequence()
    deployment = services.deployments.get_deployment(deployment_id)
    return Frame(
        deployment=deployment,
        action=current_action(services, deployment),
        verbs=offered(services, deployment, principal),
        newest_sequence=newest_sequence,
    )


def overview(services: Services, frame: Frame, *, health: Health | None, before: int | None, strip: str) -> Overview:
    """Gather the first tab."""
    deployment = frame.deployment
    filters = EventFilters(deployment_id=deployment.id, healths=(health,) if health else ())
    feed = services.deployment_events.list_events(filters, before=before, limit=PAGE_SIZE)
    last_action = _last_action(services, deployment.id)
    told = services.deployments.hosts_of([deployment.id])
    strip = strip if strip in STRIPS else "24h"
    now = datetime.now(UTC)
    return Overview(
        frame=frame,
        last_action=last_action,
        hosts=host_rows(deployment, last_action, told),
        step=steps_of(told).get(deployment.id, InStep(hosts=0, behind=0)),
        strip=health_strip(services.deployment_events.healths(deployment.id), since=now - STRIPS[strip], until=now),
        strip_name=strip,
        charts=_charts(services, deployment.id, strip, now),
        deployment_events=tuple(feed.data),
        events_total=feed.total_count,
        health=health,
        before=before,
    )


def history(services: Services, frame: Frame) -> History:
    """Gather the tab of versions and actions."""
    page = services.actions.list_actions(deployment_id=frame.deployment.id, limit=PAGE_SIZE)
    releases = tuple(
        Release(action=action, spec=services.actions.get_spec(action.id))
        for action in page.data
        if action.type in CHANGING
    )
    serving = [
        one.spec
        for one in releases
        if one.action.status is ActionStatus.SUCCEEDED and one.spec.deployment and one.spec.deployment.package
    ]
    differences = _differences(serving[1], serving[0]) if len(serving) > 1 else ()
    return History(frame=frame, releases=releases, differences=differences, total=page.total_count)


def host_rows(
    deployment: api_v2.Deployment, action: api_v2.Action | None, told: tuple[DeploymentHost, ...] = ()
) -> tuple[HostRow, ...]:
    """Join each host's own result, its outcome of an action and its endpoint; those that are not fine first."""
    own = {one.host: one for one in told}
    outcomes = {outcome.host: outcome for outcome in (action.hosts if action else ())}
    endpoints = {endpoint.host: endpoint for endpoint in deployment.endpoints}
    rows = tuple(
        HostRow(name=name, own=own.get(name), outcome=outcomes.get(name), endpoint=endpoints.get(name))
        for name in dict.fromkeys((*sorted(own), *outcomes, *endpoints))
    )
    return tuple(
        sorted(rows, key=lambda row: row.own is None or (row.own.outcome in ("ok", "changed") and row.own.in_step))
    )


def _charts(services: Services, deployment_id: str, name: str, now: datetime) -> tuple[ResponseChart, ...]:
    return tuple(
        response_chart(
            services.responses.hours(deployment_id, source, hours=hours_of(name)), source=source, name=name, until=now
        )
        for source in ResponseSource
    )


def _last_action(services: Services, deployment_id: str) -> api_v2.Action | None:
    """Return the newest action that said something about hosts."""
    recent = services.actions.list_actions(deployment_id=deployment_id, limit=_LAST_ACTIONS).data
    ended = (one for one in recent if one.finished_at and one.status is not ActionStatus.SUPERSEDED and not one.would)
    found = next(ended, None)
    return services.actions.get_action(found.id) if found else None


def _differences(before: ActionSpec, after: ActionSpec) -> tuple[Difference, ...]:
    old, new = _facts(before), _facts(after)
    return tuple(Difference(name=name, before=old[name], after=new[name]) for name in new)


def _facts(spec: ActionSpec) -> dict[str, str]:
    target = spec.deployment
    package = target.package if target is not None else None
    return {
        "Generation": str(target.generation if target else ""),
        "Action": spec.type.value.replace("_", " "),
        "Package": f"{package.name} {package.version}" if package else "none",
        "Digest": package.digest[:12] if package else "none",
        "Runtime": package.runtime if package else "none",
        "Size": f"{package.archive_bytes:,} bytes" if package else "none",
        "Port": str(target.port) if target and target.port else "chosen by each host",
        "Minimum healthy": f"{spec.minimum_healthy_seconds:g} s",
        "Time limit": f"{spec.timeout_seconds:g} s",
        "Hosts": ", ".join(spec.limit) if spec.limit else "all",
    }
