"""Problems: errors as pages that say what, and what next."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from mgmt_ansible import errors
from mgmt_ansible.control_plane.pages.templating import Templates

_HEADINGS: tuple[tuple[type[errors.MgmtAnsibleError], int, str], ...] = (
    (errors.ForbiddenError, 403, "Not allowed"),
    (errors.AccessError, 401, "Please sign in"),
    (errors.NotFoundError, 404, "Not found"),
    (errors.InvalidRequestError, 422, "That does not fit"),
    (errors.ConflictError, 409, "Not now"),
    (errors.StoreError, 503, "The database does not answer"),
)
"""The first family that fits, its HTTP status (docs/reference/http-api.md) and a heading."""


def problem_page(templates: Templates, request: Request, error: errors.MgmtAnsibleError) -> Response:
    """Return an error as a page; without a session, the way to the login."""
    if type(error) is errors.AccessError:
        return RedirectResponse("/login", status_code=303)
    status, heading = next(
        ((status, heading) for family, status, heading in _HEADINGS if isinstance(error, family)),
        (500, "Something broke"),
    )
    request.state.refusal = str(error)  # for the audit
    return templates.page(
        "problem.html",
        status_code=status,
        heading=heading,
        message=str(error),
        code=error.code,
        request_id=getattr(request.state, "request_id", ""),
        principal=getattr(request.state, "principal", None),
    )


def page_route(templates: Templates) -> type[APIRoute]:
    """Return the kind of route whose errors become pages."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_or_explain(request: Request) -> Response:
                try:
                    return await handle(request)
                except errors.MgmtAnsibleError as exc:
                    return problem_page(templates, request, exc)

            return handle_or_explain

    return PageRoute
