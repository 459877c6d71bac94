"""`savedViews/`: the views that whoever asks has saved; nobody sees others'."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.saved_views import ViewPage
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.saved_views import SavedView, SavedViewIn


def saved_view_router(services: Services) -> APIRouter:
    """Return the routes of saved views."""
    router = APIRouter(prefix="/savedViews", tags=["saved views"])
    views = services.saved_views

    @router.get("/")
    def list_saved_views(
        principal: Asking, paging: Paging, of_page: Annotated[ViewPage | None, Query(alias="page")] = None
    ) -> Page[SavedView]:
        """List one's own views, by page and name."""
        found = views.list_views(principal.key, page=of_page, limit=paging.limit, offset=paging.offset)
        return paging.page(found)

    @router.post("/", status_code=201)
    def save_view(body: SavedViewIn, principal: Asking) -> SavedView:
        """Keep a view; one of the same page and name is replaced."""
        return views.save(principal.key, body)

    @router.delete("/{view_id}/", status_code=204)
    def forget_view(view_id: str, principal: Asking) -> Response:
        """Forget one of one's own views."""
        views.forget(principal.key, view_id)
        return Response(status_code=204)

    return router
