"""Routes: keeping and forgetting views; and the menu of them that lists have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from mgmt_ansible import errors
from mgmt_ansible.control_plane.pages.forms import last, read_form, require_same_site
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.saved_views import PATHS, ViewPage, address_of, kept_query
from mgmt_ansible.wire.saved_views import SavedView, SavedViewIn

_Form = Annotated[dict[str, list[str]], Depends(read_form)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsMenu:
    """What one saved of a list.

    Attributes:
        page: Which list.
        path: Its path.
        query: Of the address that is shown, as a view would keep it.
        views: By name.
    """

    page: ViewPage
    path: str
    query: str
    views: tuple[SavedView, ...]


def views_menu(services: Services, request: Request, page: ViewPage) -> ViewsMenu:
    """Gather the menu of a list."""
    views = services.saved_views.list_views(request.state.principal.key, page=page)
    return ViewsMenu(page=page, path=PATHS[page], query=_kept(request.url.query), views=tuple(views.data))


def saved_view_pages(services: Services, templates: Templates) -> APIRouter:
    """Return the routes that the menu's forms go to."""
    router = APIRouter(prefix="/views", include_in_schema=False, route_class=page_route(templates))

    @router.post("")
    def save(request: Request, form: _Form) -> Response:
        require_same_site(request)
        fields = {"page": last(form, "page"), "name": last(form, "name"), "query": last(form, "query")}
        try:
            body = SavedViewIn.model_validate(fields)
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            raise errors.InvalidRequestError(f"{first['loc'][0]}: {first['msg']}") from exc
        return RedirectResponse(services.saved_views.save(request.state.principal.key, body).address, status_code=303)

    @router.post("/{view_id}/forget")
    def forget(request: Request, view_id: str, form: _Form) -> Response:
        require_same_site(request)
        services.saved_views.forget(request.state.principal.key, view_id)
        page = last(form, "page")
        known = ViewPage(page) if page in set(ViewPage) else ViewPage.DEPLOYMENTS
        return RedirectResponse(address_of(known, _kept(last(form, "query"))), status_code=303)

    return router


def _kept(query: str) -> str:
    try:
        return kept_query(query)
    except ValueError:
        return ""
