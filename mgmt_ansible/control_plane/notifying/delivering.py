"""Delivering: each channel sends its own deliveries, one after the other, and none waits for another channel.

```
  pending -- taken for a while (lease) -- courier -- delivered
     ^                                       |------- failed: it never will, or it was tried often enough
     '--------- later, and later ------------'------- else
```

A try that went wrong makes the whole channel wait, longer each time, so that one that is down is asked now and then only. What a
crash leaves taken is tried again when its lease is over: it may be sent twice, under the same id. Channels that failed last get at
most half of the places at once.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying.couriers import Courier
from mgmt_ansible.control_plane.notifying.sending import Sender
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.notification_records import ChannelRecord, DeliveryStatus, Due, Result

TURN = 100
"""Deliveries of a channel in one go, before others that wait for a place come."""

LONGEST_RETRY_AFTER = 3600.0
_RECORD_AGAIN_SECONDS = 0.5
_LEASE_SECONDS = 60.0
"""More than a courier takes at most: until then the result can still be put down."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long is tried.

    Attributes:
        tries: Of one delivery; then it has failed.
        retry_seconds: The wait after the first try; after the second it is twice as long, and so on.
        longest_wait_seconds: No wait is longer.
        places: How many channels send at the same time.
    """

    tries: int
    retry_seconds: float
    longest_wait_seconds: float
    places: int

    def wait(self, failures: int, retry_after: float | None) -> timedelta:
        """Return how long to wait after that many failures in a row; what the other side asks for counts up to an hour."""
        ours = min(self.retry_seconds * failures, self.longest_wait_seconds)
        theirs = min(max(retry_after or 0.0, 0.0), LONGEST_RETRY_AFTER)
        return timedelta(seconds=max(ours, theirs))


@dataclass(slots=True)
class _Lanes:
    """Which channels are at work here; `True`: its last try failed."""

    busy: dict[str, bool] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, channel_id: str, *, failing: bool, places: int) -> bool:
        with self.lock:
            full = len(self.busy) >= places
            crowded = failing and sum(self.busy.values()) >= max(1, places // 2)
            if channel_id in self.busy or full or crowded:
                return False
            self.busy[channel_id] = failing
            return True

    def leave(self, channel_id: str) -> None:
        with self.lock:
            self.busy.pop(channel_id, None)


class Deliverer:
    """Sends what is due.

    Args:
        store: The database.
        sender: Makes a try.
        patience: How often and how long.
    """

    def __init__(self, store: Store, sender: Sender, patience: Patience) -> None:
        self._store = store
        self._sender = sender
        self._patience = patience
        self._lanes = _Lanes()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(patience.places, thread_name_prefix="notify")

    def start_due(self) -> int:
        """Let each channel that has something due send it in a thread of its own; return how many began."""
        with self._store.read() as tx:
            due = tx.deliveries.due_channels(now=tx.now)
        began = 0
        for channel_id, failing in due:
            if self._lanes.enter(channel_id, failing=failing, places=self._patience.places):
                self._pool.submit(self._run_lane, channel_id)
                began += 1
        return began

    def run_due(self) -> None:
        """Send what is due now, channel by channel, in this thread: for tests."""
        with self._store.read() as tx:
            due = tx.deliveries.due_channels(now=tx.now)
        for channel_id, _ in due:
            self._deliver(channel_id)

    def stop(self, patience_seconds: float) -> None:
        """Begin nothing new, let what is being sent end, and kill what does not in that time."""
        self._stopping.set()
        deadline = time.monotonic() + patience_seconds
        while self._lanes.busy and time.monotonic() < deadline:
            time.sleep(0.02)
        self._sender.end()
        self._pool.shutdown(wait=True)

    def _run_lane(self, channel_id: str) -> None:
        try:
            self._deliver(channel_id)
        except errors.MgmtAnsibleError as error:
            _log.warning("notifications_not_sent", channel_id=channel_id, message=str(error))
        except Exception:
            _log.exception("notifications_not_sent", channel_id=channel_id)
            raise
        finally:
            self._lanes.leave(channel_id)

    def _deliver(self, channel_id: str) -> None:
        with self._sender.courier() as courier:
            for _ in range(TURN):
                if self._stopping.is_set() or not self._deliver_one(channel_id, courier):
                    return

    def _deliver_one(self, channel_id: str, courier: Courier) -> bool:
        """Make one try; return whether the next may follow at once."""
        lease = timedelta(seconds=courier.longest_seconds + _LEASE_SECONDS)
        with self._store.write() as tx:
            due = tx.deliveries.take(channel_id, now=tx.now, lease=lease)
            channel = tx.deliveries.channel(channel_id) if due else None
        if due is None or channel is None:
            return False
        result = self._sender.attempt(channel, due.notice, courier)
        self._record(channel, due, result, until=time.monotonic() + lease.total_seconds())
        return result.delivered or result.final

    def _record(self, channel: ChannelRecord, due: Due, result: Result, *, until: float) -> None:
        """Put a result down, also when the database is away for a while: what is not put down is sent again."""
        while True:
            try:
                self._record_once(channel, due, result)
            except errors.StoreError:
                if time.monotonic() >= until or self._stopping.is_set():
                    raise
                time.sleep(_RECORD_AGAIN_SECONDS)
            else:
                return

    def _record_once(self, channel: ChannelRecord, due: Due, result: Result) -> None:
        ended = result.delivered or result.final or due.tries >= self._patience.tries
        failures = 0 if result.delivered else channel.failures + 1
        with self._store.write() as tx:
            wait = self._patience.wait(max(failures, due.tries), result.retry_after_seconds)
            tx.deliveries.finish(
                due, result, _status(result, ended=ended), again_at=None if ended else tx.now + wait, now=tx.now
            )
            tx.deliveries.mark_channel(
                channel.id,
                failures=failures,
                resume_at=None
                if result.delivered or result.final
                else _resume_at(self._patience, failures, result, tx.now),
                trouble="" if result.delivered else result.text,
                delivered_at=tx.now if result.delivered else None,
            )
        _log.info(
            "notification_delivered" if result.delivered else "notification_not_delivered",
            notification_id=due.id,
            channel_id=channel.id,
            tries=due.tries,
            code=result.code,
            final=ended,
        )


def _status(result: Result, *, ended: bool) -> DeliveryStatus:
    if result.delivered:
        return DeliveryStatus.DELIVERED
    return DeliveryStatus.FAILED if ended else DeliveryStatus.PENDING


def _resume_at(patience: Patience, failures: int, result: Result, now: datetime) -> datetime:
    return now + patience.wait(failures, result.retry_after_seconds)
