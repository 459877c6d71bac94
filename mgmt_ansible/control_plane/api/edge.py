"""The HTTP edge: what happens to every request before and after its route.

From outside in: request id, log line and security headers (`Edge`), one spelling of paths (`Slashes`), who asks
(`Authentication`), how often (`throttling.Throttle`), how much may come and in which shape (`BodyLimit`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mgmt_ansible.control_plane.api.problems import problem
from mgmt_ansible.control_plane.api.shapes import ShapeError, check_shape
from mgmt_ansible.identifiers import make_id

_log = structlog.get_logger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
"""Said over TLS only, which a proxy before us ends. Source: RFC 6797, 7.2."""
_LARGE_BYTES = 65_536
_AGENTS_FIELD_CHARACTERS = 1_000_000
_AGENTS_KEYS = 1_000_000
"""A batch of reports about a thousand hosts is large, and what an agent tells of is never dropped."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Edge:
    """Gives a request its id, logs it (without its query and its token), and sets security headers.

    An exception that no handler knows is logged with its traceback and answered 500, code `internal`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else make_id()
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, str(Request(scope).base_url).rstrip("/"))
        began = time.monotonic()
        try:
            await self._app(scope, receive, answer.send)
        except Exception:  # noqa: BLE001 - the edge: whatever nobody expected becomes a 500 and a log line
            _log.exception("request_crashed", method=scope["method"], path=scope["path"], request_id=request_id)
            if not answer.status:
                text = "something broke here: look for the request id in the log"
                crashed = problem(Request(scope), status=500, code="internal", message=text)
                await crashed(scope, receive, answer.send)
        _log_request(scope, answer.status, time.monotonic() - began)


class _Answer:
    """Sends an answer on, with our headers; `status` is 0 until it began.

    A `Location` below `/api/v2/` becomes an absolute address: the vendor's clients do not resolve relative ones.
    """

    def __init__(self, send: Send, request_id: str, base_url: str) -> None:
        self._send = send
        self._base_url = base_url
        self._headers = SECURITY_HEADERS | (_OVER_TLS if base_url.startswith("https:") else {})
        self._request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            location = headers.get("Location", "")
            if location.startswith("/api/v2/"):
                headers["Location"] = self._base_url + location
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    principal = scope["state"].get("principal")
    _log.info(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        seconds=round(seconds, 4),
        principal=principal.name if principal else None,
        request_id=scope["state"]["request_id"],
    )


class Slashes:
    """Gives every path the one spelling that its route has: `/api/v2/...` ends with a slash, everything else does not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith("/api/v2/"):
                scope["path"] = path.rstrip("/") + "/"
            elif len(path) > 1:
                scope["path"] = path.rstrip("/") or "/"
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses a larger body with 413, and JSON of a hostile shape with 422; uploads have a limit of their own.

    Args:
        app: What comes next.
        max_bytes: For every path but the following.
        exceptions: (method, path) -> limit in bytes; None is no limit here.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, exceptions: Iterable[tuple[str, str, int | None]] = ()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._exceptions = {(method, path): limit for method, path, limit in exceptions}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        limit = self._exceptions.get((scope.get("method", ""), scope.get("path", "")), self._max_bytes)
        if scope["type"] != "http" or limit is None:
            await self._app(scope, receive, send)
            return
        body = await _whole_body(scope, receive, limit)
        if body is None:
            text = f"body: is larger than {limit} bytes"
            too_large = problem(Request(scope), status=413, code="invalid_request", message=text)
            await too_large(scope, receive, send)
            return
        refused = await _refused_shape(scope["path"], body)
        if refused:
            shapeless = problem(Request(scope), status=422, code="invalid_request", message=f"body: {refused}")
            await shapeless(scope, receive, send)
            return
        await self._app(scope, _Replay(body, receive).receive, send)


async def _refused_shape(path: str, body: bytes) -> str:
    """Return why a body's shape is refused; empty when it is fine. A large one is looked at in a thread."""
    if not body or not path.startswith(("/api/", "/agent/")):
        return ""
    if len(body) > _LARGE_BYTES:
        return await run_in_threadpool(_judge_shape, path, body)
    return _judge_shape(path, body)


def _judge_shape(path: str, body: bytes) -> str:
    try:
        if path.startswith("/agent/"):
            check_shape(body, max_field=_AGENTS_FIELD_CHARACTERS, max_keys=_AGENTS_KEYS)
        else:
            check_shape(body)
    except ShapeError as error:
        return str(error)
    return ""


async def _whole_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        return None
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            return None
    return bytes(body)


class _Replay:
    """Gives a body that was read already once more, then whatever comes (a disconnect)."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def receive(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
