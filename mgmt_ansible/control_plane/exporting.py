"""What people take away: all of a filter as a file, counted, and read a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.control_plane import export_columns, export_tables, exports
from mgmt_ansible.control_plane.deployment_events import DeploymentEvents
from mgmt_ansible.control_plane.export_columns import T, Table
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.event_filters import EventFilters, ExportFormat
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.table_formats import TableFormat
from mgmt_ansible.wire import api_v2

_BATCH = 500
_RUNS_WITH_HOSTS = 20
"""In one batch: each may bring ten thousand hosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file that is being written.

    Attributes:
        count: Lines in it, without the names of the columns.
        pieces: Of it, to be sent one after the other.
        media_type: Of HTTP.
        file_name: How to keep it.
    """

    count: int
    pieces: Iterator[str | bytes]
    media_type: str
    file_name: str


class Exports:
    """Writes lists as files; each has what was there when it was asked for, but for what is removed while it is read.

    A file that is written whole before it is sent breaks off by StoreUnavailableError when the control plane shuts down: its
    end would wait for it. Every method raises InvalidRequestError when the format's library is missing here, or the format
    cannot hold so many lines.
    """

    def __init__(self, store: Store, feed: DeploymentEvents, wakeups: Wakeups, *, folder: Path) -> None:
        """See the class.

        Args:
            store: Where deployments and runs are.
            feed: The feed.
            wakeups: Tells of the end.
            folder: Where a file that must be written whole lies meanwhile.
        """
        self._store = store
        self._feed = feed
        self._wakeups = wakeups
        self._folder = folder

    def events(self, filters: EventFilters, form: ExportFormat) -> Export:
        """Return entries of the feed, newest first."""
        exports.check_possible(form, 0)
        count, entries = self._feed.extract(filters)
        return self._export(count, entries, form, export_columns.EVENTS)

    def deployments(
        self,
        filters: DeploymentFilters,
        form: TableFormat,
        *,
        seen: Callable[[api_v2.Deployment], api_v2.Deployment] = lambda one: one,
    ) -> Export:
        """Return deployments, in the filters' order; `seen` turns each into what whoever asks sees of it."""
        exports.check_possible(ExportFormat(form), 0)
        with self._store.read() as tx:
            ids = tx.deployments.ids(filters)
            first = tx.deployments.of_ids(ids[:_BATCH], now=tx.now)
        found = map(seen, self._deployments(ids, first))
        return self._export(len(ids), found, ExportFormat(form), export_columns.DEPLOYMENTS)

    def runs(self, filters: RunFilters, form: TableFormat) -> Export:
        """Return runs, newest first; as JSON lines with what became of each host."""
        exports.check_possible(ExportFormat(form), 0)
        hosts = form is TableFormat.JSONL
        batch = _RUNS_WITH_HOSTS if hosts else _BATCH
        with self._store.read() as tx:
            first = tx.runs.preceding(filters, before=None, limit=batch, hosts=hosts)
            count = tx.runs.count(filters)
        return self._export(count, self._runs(filters, first, batch, hosts), ExportFormat(form), export_columns.RUNS)

    def _export(self, count: int, items: Iterator[T], form: ExportFormat, table: Table[T]) -> Export:
        exports.check_possible(form, count)
        if form in export_tables.WRITERS:
            items = self._until_the_end(items)
        return Export(
            count=count,
            pieces=exports.written(items, form, table, folder=self._folder),
            media_type=exports.MEDIA_TYPES[form],
            file_name=f"{table.name}.{exports.ENDINGS[form]}",
        )

    def _until_the_end(self, items: Iterator[T]) -> Iterator[T]:
        for item in items:
            if self._wakeups.stopping:
                raise errors.StoreUnavailableError("the control plane shuts down: export again when it is back")
            yield item

    def _deployments(self, ids: Sequence[str], first: Sequence[api_v2.Deployment]) -> Iterator[api_v2.Deployment]:
        yield from first
        for begin in range(_BATCH, len(ids), _BATCH):
            with self._store.read() as tx:
                found = tx.deployments.of_ids(ids[begin : begin + _BATCH], now=tx.now)
            yield from found

    def _runs(self, filters: RunFilters, found: Sequence[api_v2.Run], batch: int, hosts: bool) -> Iterator[api_v2.Run]:
        while True:
            yield from found
            if len(found) < batch:
                return
            with self._store.read() as tx:
                found = tx.runs.preceding(filters, before=found[-1].sequence, limit=batch, hosts=hosts)
