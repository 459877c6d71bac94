"""Who asks: a token in the `Authorization` header, or a session cookie; everything but a few paths needs one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import SESSION_COOKIE, Access, Principal
from mgmt_ansible.control_plane.api.problems import problem_of

_OPEN = re.compile(r"/healthz|/login|/static/.*")
_FOR_PROGRAMS = re.compile(r"/(api|agent)/.*|/metrics|/openapi\.json|/docs.*")
_FOR_AGENTS = re.compile(r"/agent/v1/.*|/api/v2/version/|/api/v2/modelPackages/[^/]+/modelPackageFile/")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authentication:
    """Puts the `Principal` at `request.state.principal`, or refuses: 401, 403, or for a browser the way to `/login`."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or _OPEN.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            scope["state"]["principal"] = await run_in_threadpool(self._principal, request)
        except errors.MgmtAnsibleError as error:
            await _refusal(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _principal(self, request: Request) -> Principal:
        header = request.headers.get("authorization")
        principal = self._access.identify(header=header, cookie=request.cookies.get(SESSION_COOKIE))
        if header is None and request.method not in _SAFE_METHODS and not same_origin(request):
            raise errors.ForbiddenError("the request came from another site: with a session only our own pages may")
        _check_kind(principal, request.url.path)
        return principal


def same_origin(request: Request) -> bool:
    """Tell whether a browser says that one of our own pages sent this; saying nothing is a no.

    Source: Fetch Metadata Request Headers (W3C); `Origin` for browsers without them.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


def _check_kind(principal: Principal, path: str) -> None:
    if principal.kind == "agent" and not _FOR_AGENTS.fullmatch(path):
        raise errors.ForbiddenError("an agent's token is for /agent/v1 only: use a user's token")
    if principal.kind != "agent" and path.startswith("/agent/"):
        raise errors.ForbiddenError("/agent/v1 takes an agent's token only")


def _refusal(request: Request, error: errors.MgmtAnsibleError) -> ASGIApp:
    if type(error) is errors.AccessError and not _FOR_PROGRAMS.fullmatch(request.url.path):
        return RedirectResponse("/login", status_code=303)
    return problem_of(request, error)
