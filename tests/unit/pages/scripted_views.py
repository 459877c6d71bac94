"""Saved views that are kept in memory."""

from __future__ import annotations

from mgmt_ansible.domain.saved_views import address_of, kept_query
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.saved_views import SavedView
from tests.unit.pages.scripted_runs import NOON


class ScriptedSavedViews:
    """None, until one is saved."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, str, str], SavedView] = {}

    def list_views(self, owner_id, *, page=None, limit=200, offset=0):
        found = [one for (owner, of, _), one in self._views.items() if owner == owner_id and page in (None, of)]
        return api_v2.Page(count=len(found), total_count=len(found), data=found)

    def save(self, owner_id, body):
        query = kept_query(body.query)
        view = SavedView(
            id=f"v{len(self._views)}",
            page=body.page,
            name=body.name,
            query=query,
            address=address_of(body.page, query),
            created_at=NOON,
            updated_at=NOON,
        )
        self._views[owner_id, body.page, body.name] = view
        return view

    def forget(self, owner_id, view_id):
        self._views = {key: one for key, one in self._views.items() if (key[0], one.id) != (owner_id, view_id)}
