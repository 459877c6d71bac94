"""Views that people saved: names for filters, each seen by its owner only."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.saved_views import MOST_VIEWS, ViewPage, address_of, kept_query
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.saved_views import SavedView, SavedViewIn


class SavedViews:
    """Keeps views; an owner is a user, or a token that belongs to none (`principals.Principal.key`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_views(
        self, owner_id: str, *, page: ViewPage | None = None, limit: int = MOST_VIEWS, offset: int = 0
    ) -> Page[SavedView]:
        """Return an owner's views, of one page or of all, by page and name."""
        with self._store.read() as tx:
            return tx.saved_views.list(owner_id, page=page, limit=limit, offset=offset)

    def save(self, owner_id: str, body: SavedViewIn) -> SavedView:
        """Keep a view; one of the same page and name is replaced.

        Raises:
            InvalidRequestError: The query string has too many fields.
            ConflictError: The owner has as many views as one may have.
        """
        name, query = body.name.strip(), _query(body)
        if not name:
            raise errors.InvalidRequestError("name: is empty")
        with self._store.write() as tx:
            known = tx.saved_views.find(owner_id, body.page, name)
            if known is not None:
                tx.saved_views.change(known.id, query=query, at=tx.now)
                address = address_of(body.page, query)
                return known.model_copy(update={"query": query, "address": address, "updated_at": tx.now})
            if tx.saved_views.count(owner_id) >= MOST_VIEWS:
                raise errors.ConflictError(f"there are {MOST_VIEWS} views already: forget one first")
            view = SavedView(
                id=make_id(),
                page=body.page,
                name=name,
                query=query,
                address=address_of(body.page, query),
                created_at=tx.now,
                updated_at=tx.now,
            )
            tx.saved_views.insert(view, owner_id=owner_id)
            return view

    def forget(self, owner_id: str, view_id: str) -> None:
        """Forget a view; NotFoundError when the owner has none of this id."""
        with self._store.write() as tx:
            if not tx.saved_views.delete(owner_id, view_id):
                raise errors.NotFoundError(f"saved view {view_id} does not exist")


def _query(body: SavedViewIn) -> str:
    try:
        return kept_query(body.query)
    except ValueError as exc:
        raise errors.InvalidRequestError("query: has too many fields for a view") from exc
