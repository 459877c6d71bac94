"""Sign-in: a one-time link or a typed token becomes a session cookie."""

from __future__ import annotations

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
            return _signed_in(request, templates, services.access.redeem(code))
        except errors.AccessError:
            return _refused(templates, request, "This link was used already, or is too old.")

    @router.post("/login")
    def take_token(request: Request, form: Annotated[dict[str, list[str]], Depends(read_form)]) -> Response:
        if not same_site(request):
            return _refused(templates, request, "The form came from another site.")
        try:
            return _signed_in(request, templates, services.access.token_login(last(form, "token").strip()))
        except errors.AccessError:
            return _refused(templates, request, "There is no such token for people, or it was revoked.")

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


def _refused(templates: Templates, request: Request, problem: str) -> Response:
    return templates.page("login.html", status_code=401, problem=problem, secure=request.url.scheme == "https")
