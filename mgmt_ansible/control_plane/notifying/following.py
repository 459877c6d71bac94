"""Following the feed in the background: dispatch what is new, then let channels send; one thread, and one for each busy channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying.delivering import Deliverer
from mgmt_ansible.control_plane.notifying.dispatching import Dispatcher

HOUR_SECONDS = 3600.0
_LONGEST_PAUSE_SECONDS = 30.0
_LAST_SENDING_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Follower:
    """Notifies for as long as a block lasts.

    Args:
        dispatcher: Looks through the feed.
        deliverer: Sends.
        poll_seconds: Between two looks; after errors it waits longer and longer, up to 30 s.
    """

    def __init__(self, dispatcher: Dispatcher, deliverer: Deliverer, *, poll_seconds: float) -> None:
        self._dispatcher = dispatcher
        self._deliverer = deliverer
        self._poll_seconds = poll_seconds
        self._pruned_at: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Notify until the end of the block; what is being sent then has a second to end, also where a channel is tried."""
        ended = threading.Event()
        thread = threading.Thread(target=self._follow_until, args=(ended,), name="notifications", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(_LAST_SENDING_SECONDS)
            self._deliverer.stop(_LAST_SENDING_SECONDS)

    def _follow_until(self, ended: threading.Event) -> None:
        pause = self._poll_seconds
        while not ended.wait(pause):
            pause = self._poll_seconds if self._looked(ended) else min(max(1.0, 2 * pause), _LONGEST_PAUSE_SECONDS)

    def _looked(self, ended: threading.Event) -> bool:
        """Do what is to be done now; return whether the database let it."""
        try:
            while self._dispatcher.dispatch() and not ended.is_set():
                self._deliverer.start_due()
            self._deliverer.start_due()
            self._prune_hourly(ended)
        except errors.StoreError as error:
            _log.warning("notifications_wait", message=str(error))
            return False
        except Exception:  # noqa: BLE001 - a defect must not silence all that comes later
            _log.exception("notifications_failed")
            return False
        return True

    def _prune_hourly(self, ended: threading.Event) -> None:
        now = time.monotonic()
        if self._pruned_at is None or now - self._pruned_at >= HOUR_SECONDS:
            self._pruned_at = now
            self._dispatcher.prune_log(stop=ended.is_set)
