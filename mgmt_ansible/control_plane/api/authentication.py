"""Who asks: a token in the `Authorization` header, or a session cookie; and whether they may, by `permissions`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import SESSION_COOKIE, Access, Principal
from mgmt_ansible.control_plane.api import permitting
from mgmt_ansible.control_plane.api.permissions import Permission
from mgmt_ansible.control_plane.api.problems import problem, problem_of
from mgmt_ansible.control_plane.audit import Audit
from mgmt_ansible.control_plane.buckets import Buckets
from mgmt_ansible.control_plane.current_request import CurrentRequest, serving

_FOR_PROGRAMS = re.compile(r"/(api|agent|install)/.*|/metrics|/openapi\.json|/docs.*", re.DOTALL)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

STRANGERS_AT_ONCE = 300
STRANGERS_PER_SECOND = 10.0
"""Requests without a valid token from one address; those with one are never counted here."""

_FORBIDDEN = 403

ExplainOnPage = Callable[[Request, errors.MgmtAnsibleError], ASGIApp]
"""Makes a page of a refusal, for browsers."""


class Authentication:
    """Puts the `Principal` at `request.state.principal`, or refuses: 401, 403, 404, 405; a browser without a session goes to `/login`.

    A person's request to change something that is answered 403, here or behind, is told to the audit.

    Args:
        app: What comes next.
        access: Knows who somebody is.
        audit: Is told of refusals.
        explain: Answers browsers.
    """

    def __init__(self, app: ASGIApp, *, access: Access, audit: Audit, explain: ExplainOnPage) -> None:
        self._app = app
        self._access = access
        self._audit = audit
        self._explain = explain
        self._strangers = Buckets(STRANGERS_PER_SECOND, most=STRANGERS_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        permission = permitting.permission_of(scope["method"], scope["path"])
        if permission is None or not permission.everybody:
            refusal = await self._refusal(Request(scope), permission)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        at_hand = None if permission is None else request_at_hand(Request(scope), permission)
        answered = _Answered(send)
        with serving(at_hand, scope=scope_of(Request(scope))):
            await self._app(scope, receive, answered)
        state = Request(scope).state
        if at_hand is not None and answered.status == _FORBIDDEN and hasattr(state, "principal"):
            await run_in_threadpool(self._audit.refused, at_hand, getattr(state, "refusal", "refused"))

    async def _refusal(self, request: Request, permission: Permission | None) -> ASGIApp | None:
        """Return what to answer instead; None when the request may go on."""
        try:
            principal = await run_in_threadpool(self._principal, request)
            request.state.principal = principal
            if permission is None:
                return self._nothing_here(request)
            await self._check(request, principal, permission)
        except errors.MgmtAnsibleError as error:
            return self._answer(request, self._counted(request, error))
        return None

    async def _check(self, request: Request, principal: Principal, permission: Permission) -> None:
        try:
            permitting.check(principal, permission, request.url.path)
        except errors.ForbiddenError as error:
            at_hand = request_at_hand(request, permission)
            if at_hand is not None:
                await run_in_threadpool(self._audit.refused, at_hand, str(error))
            raise

    def _counted(self, request: Request, error: errors.MgmtAnsibleError) -> errors.MgmtAnsibleError:
        """Count programs that nobody knows by their address; return what to tell them."""
        if type(error) is not errors.AccessError or not _FOR_PROGRAMS.fullmatch(request.url.path):
            return error
        wait = self._strangers.take(request.client.host if request.client else "")
        if not wait:
            return error
        seconds = math.ceil(wait)
        return errors.TooManyRequestsError(
            f"too many requests without a valid token from this address: try again in {seconds} s", seconds=seconds
        )

    def _principal(self, request: Request) -> Principal:
        header = request.headers.get("authorization")
        principal = self._access.identify(header=header, cookie=request.cookies.get(SESSION_COOKIE))
        if header is None and request.method not in _SAFE_METHODS and not same_origin(request):
            raise errors.ForbiddenError("the request came from another site: with a session only our own pages may")
        return principal

    def _nothing_here(self, request: Request) -> ASGIApp:
        """Refuse what no route takes; were it let through, a route that permissions forgot would be open to all."""
        methods = permitting.methods_of(request.url.path)
        if methods:
            answer = problem(request, status=405, code="invalid_request", message="Method Not Allowed")
            answer.headers["Allow"] = ", ".join(methods)
            return answer
        return self._answer(request, errors.NotFoundError("nothing has this address"))

    def _answer(self, request: Request, error: errors.MgmtAnsibleError) -> ASGIApp:
        for_programs = _FOR_PROGRAMS.fullmatch(request.url.path)
        return problem_of(request, error) if for_programs else self._explain(request, error)


class _Answered:
    """Sends on, and remembers the status of the answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def request_at_hand(request: Request, permission: Permission) -> CurrentRequest | None:
    """Return what the audit says of a request; None for agents, and for what changes nothing.

    Signing in tells of itself, and so do the other routes that are open to everybody.
    """
    principal: Principal | None = getattr(request.state, "principal", None)
    signs_in = request.url.path == "/login"
    if (request.method in _SAFE_METHODS and not signs_in) or (principal is not None and principal.kind == "agent"):
        return None
    names = re.findall(r"\{([^}:]+)", permission.route)
    return CurrentRequest(
        actor=principal.name if principal else "nobody",
        role=(principal.role or "") if principal else "",
        action=permission.route.replace(" /api/v2/", " "),
        target_kind=names[-1].removesuffix("_id") if names else "",
        target_id=_last_id(permission.route, request.url.path) if names else "",
        address=request.client.host if request.client else "",
        request_id=getattr(request.state, "request_id", ""),
        noted=principal is None,
    )


def scope_of(request: Request) -> tuple[str, ...]:
    """Return the environments that a person may see; empty is all. Agents have rules of their own."""
    principal: Principal | None = getattr(request.state, "principal", None)
    return principal.environment_ids if principal is not None and principal.kind == "user" else ()


def _last_id(route: str, path: str) -> str:
    """Return what stands in a path where its template has the last id."""
    parts = route.partition(" ")[2].split("/")
    last = max(index for index, part in enumerate(parts) if part.startswith("{"))
    told = path.split("/")[last:]
    return "/".join(told).rstrip("/") if parts[last].endswith(":path}") else told[0]


def same_origin(request: Request) -> bool:
    """Tell whether a browser says that one of our own pages sent this; saying nothing is a no.

    Source: Fetch Metadata Request Headers (W3C); `Origin` for browsers without them.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
