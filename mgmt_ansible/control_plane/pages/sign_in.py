"""Sign-in: a name with its password, a one-time link or a typed token becomes a session cookie."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible import errors
from mgmt_ansible.control_plane import access
from mgmt_ansible.control_plane.pages.forms import last, read_form, same_site
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services


def sign_in_router(services: Services, templates: Templates) -> APIRouter:
    """Return `/login` and `/logout`."""
    router = APIRouter(include_in_schema=False, route_class=page_route(templates))

    @router.get("/login")
    def show_login(request: Request, code: str | None = None) -> Response:
        if "hx-request" in request.headers:  # a live page whose session ended followed the edge's redirect
            return Response(status_code=200, headers={"HX-Redirect": "/login", "Cache-Control": "no-store"})
        if not code:
            return templates.page("login.html", problem="", secure=request.url.scheme == "https")
        try:
            return _signed_in(request, templates, services.sign_ins.with_link(code, address=_address(request)))
        except errors.TooManyRequestsError as exc:
            return _refused(templates, request, exc)
        except errors.AccessError:
            return _refused(templates, request, errors.AccessError("This link was used already, or is too old."))

    @router.post("/login")
    def sign_in(request: Request, form: Annotated[dict[str, list[str]], Depends(read_form)]) -> Response:
        if not same_site(request):
            return _refused(templates, request, errors.ForbiddenError("The form came from another site."))
        try:
            return _signed_in(request, templates, _take(services, form, address=_address(request)))
        except errors.AccessError as exc:
            return _refused(templates, request, exc)

    @router.post("/logout")
    def leave(request: Request) -> Response:
        answer = RedirectResponse("/login", status_code=303)
        if same_site(request):
            services.access.sign_out(request.cookies.get(access.SESSION_COOKIE, ""))
            answer.delete_cookie(access.SESSION_COOKIE, path="/")
        return answer

    return router


def _signed_in(request: Request, templates: Templates, cookie: str) -> Response:
    """Answer with a page that moves on by itself.

    A redirect would not do: after a click in another site's page, browsers hold a SameSite=Strict cookie back through all
    of its redirects.
    """
    answer = templates.page("signed_in.html")
    secure = request.url.scheme == "https"
    answer.set_cookie(access.SESSION_COOKIE, cookie, secure=secure, **access.COOKIE_ATTRIBUTES)
    return answer


def _take(services: Services, form: dict[str, list[str]], *, address: str) -> str:
    token = last(form, "token").strip()
    if not token:
        name, password = last(form, "name").strip(), last(form, "password")
        return services.sign_ins.with_password(name, password, address=address)
    try:
        return services.sign_ins.with_token(token, address=address)
    except errors.TooManyRequestsError:
        raise
    except errors.AccessError as exc:
        raise errors.AccessError("There is no such token for people, or it was revoked.") from exc


def _address(request: Request) -> str:
    """Return from where a request came; a proxy on this machine tells it (`X-Forwarded-For`)."""
    return request.client.host if request.client else "unknown"


def _refused(templates: Templates, request: Request, error: errors.AccessError) -> Response:
    """Answer with the form again, and why."""
    text = str(error)
    answer = templates.page(
        "login.html",
        status_code=429 if isinstance(error, errors.TooManyRequestsError) else 401,
        problem=f"{text[:1].upper()}{text[1:]}",
        secure=request.url.scheme == "https",
    )
    if isinstance(error, errors.TooManyRequestsError):
        answer.headers["Retry-After"] = str(math.ceil(error.seconds))
    return answer
