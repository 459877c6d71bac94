"""The feed of deployment events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.wakeups import POLL_SECONDS, Wakeups
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2

KEEP_ALIVE_SECONDS = 10.0
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilters:
    """Which entries of the feed; empty means all."""

    deployment_id: str | None = None
    environment_id: str | None = None
    types: tuple[str, ...] = ()
    health: Health | None = None


class DeploymentEvents:
    """Reads the feed."""

    def __init__(self, store: Store, wakeups: Wakeups, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._store = store
        self._wakeups = wakeups
        self._keep_alive_seconds = keep_alive_seconds

    def list_events(
        self,
        *,
        deployment_id: str | None = None,
        environment_id: str | None = None,
        types: Sequence[str] = (),
        health: Health | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.Page[api_v2.DeploymentEvent]:
        """Return entries, newest first; `before` and `after` are sequences, both exclusive."""
        with self._store.read() as tx:
            return tx.deployment_events.list(
                deployment_id=deployment_id,
                environment_id=environment_id,
                types=types,
                health=health,
                before=before,
                after=after,
                limit=limit,
                offset=offset,
            )

    def newest_sequence(self) -> int:
        """Return the newest entry's sequence; 0 when there is none."""
        with self._store.read() as tx:
            return tx.deployment_events.newest_sequence()

    def counts(self) -> dict[str, int]:
        """Return type -> number of entries."""
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
            return tx.deployment_events.following(
                after,
                deployment_id=filters.deployment_id,
                environment_id=filters.environment_id,
                types=filters.types,
                health=filters.health,
                limit=_BATCH,
            )
