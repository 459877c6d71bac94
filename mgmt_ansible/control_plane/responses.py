"""Responses: what looks and monitors measured of deployments, by the hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.responses import ResponseHour
from mgmt_ansible.domain.outcomes import FINE, HostOutcome, Outcome
from mgmt_ansible.domain.responses import HOUR, Responses, ResponseSource, hour_of, response
from mgmt_ansible.wire.monitoring import PredictionRequest
from mgmt_ansible.wire.responses import ResponseTimes

MOST_HOURS = 90 * 24
_MOST_TIME = MOST_HOURS * HOUR


class ResponseHours:
    """Reads what was measured; NotFoundError for unknown deployments."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def hours(self, deployment_id: str, source: ResponseSource, *, hours: int) -> dict[datetime, Responses]:
        """Return the hours in which something was measured, of the last ones: beginning (UTC) -> responses, oldest first."""
        with self._store.read() as tx:
            tx.deployments.record(deployment_id)
            return tx.responses.of(deployment_id, source, since=hour_of(tx.now) - (hours - 1) * HOUR)

    def times(self, deployment_id: str, *, hours: int, source: ResponseSource | None = None) -> list[ResponseTimes]:
        """Return the same for clients, of one source or of all."""
        return [
            _to_wire(one, hour, responses)
            for one in ([source] if source else ResponseSource)
            for hour, responses in self.hours(deployment_id, one, hours=hours).items()
        ]


def seen_in_look(told: Sequence[HostOutcome], judged: Sequence[HostOutcome], deployment_id: str) -> Responses | None:
    """Return what a look measured of one deployment that should serve; None when no host of it could tell.

    Args:
        told: Each host of the look.
        judged: The same hosts in the same order, as outcomes of this deployment.
        deployment_id: Of which one.
    """
    measured: Responses | None = None
    for host, own in zip(told, judged, strict=True):
        observation = host.observations.get(deployment_id)
        if observation is None or own.outcome not in (*FINE, Outcome.FAILED):
            continue
        seconds = observation.probe_seconds
        one = response(milliseconds=None if seconds is None else seconds * 1000, failed=own.outcome is Outcome.FAILED)
        measured = one if measured is None else measured + one
    return measured


def keep_looks(tx: Transaction, measured: Mapping[str, Responses], *, at: datetime) -> None:
    """Keep what a look measured: deployment id -> responses; times ahead of our clock count as now."""
    moment = min(at, tx.now)
    if tx.now - moment <= _MOST_TIME:
        hour = hour_of(moment)
        tx.responses.add({ResponseHour(name, ResponseSource.LOOKS, hour): one for name, one in measured.items()})


def keep_requests(tx: Transaction, deployment_id: str, rows: Iterable[PredictionRequest]) -> None:
    """Keep what a monitor measured, each row in the hour of its own time; without one it counts as now."""
    measured: dict[ResponseHour, Responses] = {}
    for row in rows:
        moment = min(row.timestamp or tx.now, tx.now)
        if tx.now - moment > _MOST_TIME:
            continue
        key = ResponseHour(deployment_id, ResponseSource.MONITORS, hour_of(moment))
        one = response(milliseconds=row.execution_time, failed=bool(row.system_error), user_error=bool(row.user_error))
        measured[key] = measured[key] + one if key in measured else one
    tx.responses.add(measured)


def prune_responses(store: Store, keep: timedelta, *, stop: Callable[[], bool]) -> None:
    """Remove hours that ended longer ago than they are kept, a day of them in each write; `stop` is asked before each."""
    left = True
    while left and not stop():
        with store.write() as tx:
            left = tx.responses.prune(tx.now - keep)


def _to_wire(source: ResponseSource, hour: datetime, responses: Responses) -> ResponseTimes:
    return ResponseTimes(
        source=source,
        begin=hour,
        asked=responses.asked,
        failed=responses.failed,
        user_errors=responses.user_errors,
        timed=responses.timed,
        average_milliseconds=responses.average,
        fastest_milliseconds=responses.fastest,
        slowest_milliseconds=responses.slowest,
    )
