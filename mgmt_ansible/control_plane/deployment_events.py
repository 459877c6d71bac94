"""The feed of deployment events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.wakeups import POLL_SECONDS, Wakeups
from mgmt_ansible.domain.event_filters import EVERYTHING, EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2

KEEP_ALIVE_SECONDS = 10.0
_BATCH = 100
_EXPORT_BATCH = 500


class DeploymentEvents:
    """Reads the feed."""

    def __init__(self, store: Store, wakeups: Wakeups, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._store = store
        self._wakeups = wakeups
        self._keep_alive_seconds = keep_alive_seconds

    def list_events(
        self,
        filters: EventFilters = EVERYTHING,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.EventPage:
        """Return entries, newest first; `before` and `after` are sequences, both exclusive."""
        with self._store.read() as tx:
            return tx.deployment_events.list(filters, before=before, after=after, limit=limit, offset=offset)

    def extract(self, filters: EventFilters) -> tuple[int, Iterator[api_v2.DeploymentEvent]]:
        """Return how many entries there are now, and these, newest first; what is added meanwhile is not among them.

        They are read a batch at a time, so that a long export neither fills the memory nor holds up who writes.
        """
        with self._store.read() as tx:
            end = tx.deployment_events.newest_sequence() + 1
            count = tx.deployment_events.count(filters, before=end)
        return count, self._preceding(filters, end)

    def _preceding(self, filters: EventFilters, before: int) -> Iterator[api_v2.DeploymentEvent]:
        while True:
            with self._store.read() as tx:
                found = tx.deployment_events.preceding(filters, before=before, limit=_EXPORT_BATCH)
            yield from found
            if len(found) < _EXPORT_BATCH:
                return
            before = found[-1].sequence

    def newest_sequence(self) -> int:
        """Return the newest entry's sequence; 0 when there is none."""
        with self._store.read() as tx:
            return tx.deployment_events.newest_sequence()

    def healths(self, deployment_id: str, *, limit: int = 5000) -> tuple[tuple[datetime, Health], ...]:
        """Return when a deployment's newest entries told which health, oldest first."""
        with self._store.read() as tx:
            return tx.deployment_events.healths(deployment_id, limit=limit)

    def get_event(self, entry_id: str) -> api_v2.DeploymentEvent:
        """Return one entry; NotFoundError when there is none, or none any more."""
        with self._store.read() as tx:
            found = tx.deployment_events.find(entry_id)
        if found is None:
            raise errors.NotFoundError(f"deployment event {entry_id} does not exist, or is older than what is kept")
        return found

    def place_of(self, after: int | None) -> tuple[int, api_v2.FeedGap | None]:
        """Return after which sequence a follower goes on who has seen up to one; None follows from now on.

        With it what is missing for that follower: entries behind that one which retention removed, or all that a feed has
        lost which was restored from a backup.
        """
        with self._store.read() as tx:
            feed = tx.deployment_events
            newest = feed.newest_sequence()
            if after is None:
                return newest, None
            oldest, removed = feed.oldest_sequence(), feed.newest_removed()
        if removed <= after <= newest:
            return after, None
        return min(after, newest), api_v2.FeedGap(after=after, oldest=oldest, newest=newest)

    def counts(self) -> dict[str, int]:
        """Return type -> number of entries that ever were."""
        with self._store.read() as tx:
            return tx.deployment_events.counts()

    def newest_of(self, deployment_ids: Sequence[str]) -> dict[str, api_v2.DeploymentEvent]:
        """Return deployment id -> its newest entry, without `data`; one without entries is left out."""
        with self._store.read() as tx:
            return tx.deployment_events.newest_of(deployment_ids)

    async def follow(
        self,
        after: int,
        filters: EventFilters,
        stop: Callable[[], bool] = lambda: False,
        *,
        admitted: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[api_v2.DeploymentEvent | None]:
        """Yield entries after that sequence, oldest first, as they come; None every 10 s (keep-alive).

        Ends soon after `stop()` is true or the control plane shuts down, and when `admitted()`, which may block and is
        asked at each keep-alive, says no.
        """
        asked_at = time.monotonic()
        while not (stop() or self._wakeups.stopping):
            found = await asyncio.to_thread(self._following, after, filters)
            for entry in found:
                after = entry.sequence
                yield entry
            if time.monotonic() - asked_at >= self._keep_alive_seconds:
                if not await asyncio.to_thread(admitted):
                    return
                asked_at = time.monotonic()
                yield None
            if not found:
                await self._wakeups.wait(POLL_SECONDS)

    def _following(self, after: int, filters: EventFilters) -> tuple[api_v2.DeploymentEvent, ...]:
        with self._store.read() as tx:
            return tx.deployment_events.following(after, filters, limit=_BATCH)
