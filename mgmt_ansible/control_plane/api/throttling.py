"""How often a token may write: a bucket for each, refilled steadily; an empty one is answered 429 with `Retry-After`.

Reads are free. Of an agent only reports count: they wait in its spool and come again, so that nothing is dropped, while
a claim or a heartbeat that is refused would lose work.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.api.problems import problem

BURST_SECONDS = 10
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_BUCKETS = 10_000


class Buckets:
    """A bucket for each key; safe to use from several threads.

    Args:
        per_second: How fast a bucket fills; it holds ten seconds' worth.
        monotonic: Tells seconds that never go back.
    """

    def __init__(self, per_second: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * BURST_SECONDS)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> float:
        """Take one; return 0, or after how many seconds there is one again."""
        with self._lock:
            now = self._monotonic()
            level, since = self._levels.get(key, (self._most, now))
            level = min(self._most, level + (now - since) * self._per_second)
            taken = level >= 1
            self._forget_full(now)
            self._levels[key] = (level - 1 if taken else level, now)
            return 0.0 if taken else (1 - level) / self._per_second

    def _forget_full(self, now: float) -> None:
        if len(self._levels) >= _MOST_BUCKETS:
            self._levels = {
                key: (level, since)
                for key, (level, since) in self._levels.items()
                if level + (now - since) * self._per_second < self._most
            }


class Throttle:
    """Refuses writes of a token whose bucket is empty.

    Args:
        app: What comes next.
        per_second: Writes of one token, on average; 0 is no limit.
    """

    def __init__(self, app: ASGIApp, *, per_second: float) -> None:
        self._app = app
        self._buckets = Buckets(per_second) if per_second > 0 else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        wait = 0.0 if self._buckets is None else self._wait(scope, self._buckets)
        if not wait:
            await self._app(scope, receive, send)
            return
        text = f"too many writes with this token: try again in {math.ceil(wait)} s"
        refusal = problem(Request(scope), status=429, code="too_many_requests", message=text)
        refusal.headers["Retry-After"] = str(math.ceil(wait))
        await refusal(scope, receive, send)

    def _wait(self, scope: Scope, buckets: Buckets) -> float:
        principal: Principal | None = scope.get("state", {}).get("principal")
        if scope["type"] != "http" or principal is None or scope["method"] in _SAFE_METHODS:
            return 0.0
        if principal.kind == "agent" and scope["path"] != "/agent/v1/reports":
            return 0.0
        return buckets.take(principal.token_id)
