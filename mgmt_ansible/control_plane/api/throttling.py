"""How often a token may write: a bucket for each, refilled steadily; an empty one is answered 429 with `Retry-After`.

Reads are free. Of an agent only reports count: they wait in its spool and come again, so that nothing is dropped, while
a claim or a heartbeat that is refused would lose work.
"""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.api.problems import problem
from mgmt_ansible.control_plane.buckets import Buckets

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


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
        return buckets.take(principal.key)
