"""The list of runs: what its address says, and what its template gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.pages.run_views import environment_names
from mgmt_ansible.control_plane.pages.time_ranges import begin_of, read_time
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.domain.table_formats import TableFormat
from mgmt_ansible.wire import api_v2

PAGE_SIZE = 50
COLUMNS = {
    "status": "Status",
    "hosts": "Hosts",
    "deployment": "Deployment",
    "environment": "Environment",
    "began": "Began",
    "took": "Took",
}
"""Those that can be left out; without a choice all are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What of the list is wanted, as it stands in the query string.

    Attributes:
        within: A key of `time_ranges.WINDOWS`; `since` wins over it.
        since: A time (`2026-11-01T08:00:00Z`; UTC when it names no zone).
        until: Such a time.
        columns: Of `COLUMNS`; none means all.
    """

    search: str = ""
    environment: str = ""
    deployment: str = ""
    status: RunStatus | None = None
    within: str = ""
    since: str = ""
    until: str = ""
    columns: tuple[str, ...] = ()
    before: int | None = None

    @property
    def active(self) -> bool:
        """Whether anything is chosen that leaves runs out."""
        return any(getattr(self, name) for name in self.__slots__ if name not in ("columns", "before"))

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns to show, in their order."""
        return self.columns or tuple(COLUMNS)

    def filters(self, now: datetime) -> RunFilters:
        """Return what the services are asked for."""
        return RunFilters(
            search=self.search,
            environment_id=self.environment or None,
            deployment_id=self.deployment or None,
            statuses=(self.status,) if self.status else (),
            since=begin_of(self.since, self.within, now),
            until=read_time(self.until),
        )

    def url(self, before: int | None) -> str:
        """Return the address of the list with these filters, from another run on."""
        values: dict[str, object] = {name: getattr(self, name) for name in self.__slots__} | {"before": before}
        values["column"] = values.pop("columns")
        return address("/runs", values)

    def export_url(self, form: TableFormat, now: datetime) -> str:
        """Return where exactly these runs are as a file; a time that is told from now is fixed at now."""
        asked = self.filters(now)
        values: Mapping[str, object] = {
            "format": form.value,
            "predictionEnvironmentId": asked.environment_id,
            "deploymentId": asked.deployment_id,
            "status": [status.value for status in asked.statuses],
            "since": asked.since.isoformat() if asked.since else "",
            "until": asked.until.isoformat() if asked.until else "",
            "search": asked.search,
        }
        return address("/api/v2/exports/runs/", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """A page of the list."""

    runs: tuple[api_v2.Run, ...]
    total: int
    chosen: Chosen
    environments: Mapping[str, str]
    newest_sequence: int
    busy: bool
    exports: Mapping[str, str]

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


def list_view(services: Services, chosen: Chosen) -> RunList:
    """Gather one page of the list."""
    newest_sequence = services.deployment_events.newest_sequence()
    now = datetime.now(UTC)
    page = services.runs.list_runs(chosen.filters(now), before=chosen.before, limit=PAGE_SIZE, hosts=False)
    running = services.actions.list_actions(status=ActionStatus.RUNNING, limit=1)
    return RunList(
        runs=tuple(page.data),
        total=page.total_count,
        chosen=chosen,
        environments=environment_names(services),
        newest_sequence=newest_sequence,
        busy=bool(running.data) or any(run.status is RunStatus.RUNNING for run in page.data),
        exports={form.value: chosen.export_url(form, now) for form in TableFormat},
    )
