"""Views that whoever has the token saved, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.saved_views import ViewPage
from mgmt_ansible.wire.saved_views import SavedView, SavedViewIn


class SavedViews:
    """Verbs on one's own views."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_views(self, *, page: ViewPage | None = None) -> Iterator[SavedView]:
        """Yield views, of one page or of all, by page and name."""
        return self._transport.pages(SavedView, "savedViews/", {"page": page})

    def save_view(self, view: SavedViewIn) -> SavedView:
        """Keep a view; one of the same page and name is replaced; ConflictError when there are too many."""
        return self._transport.send(SavedView, "POST", "savedViews/", body=view)

    def forget_view(self, view_id: str) -> None:
        """Forget one; NotFoundError without it."""
        self._transport.read("DELETE", f"savedViews/{segment(view_id)}/")
