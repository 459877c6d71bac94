"""Views that people saved: each has an owner, who alone sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.schema import METADATA, UtcDateTime
from mgmt_ansible.domain.saved_views import ViewPage, address_of
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.saved_views import SavedView

SAVED_VIEWS = sa.Table(
    "saved_views",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("owner_id", sa.String(64), nullable=False),
    sa.Column("page", sa.String(32), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("owner_id", "page", "name"),
)
_TABLE = SAVED_VIEWS


class SavedViewRows:
    """Saved views in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def list(self, owner_id: str, *, page: ViewPage | None, limit: int, offset: int) -> Page[SavedView]:
        """Return an owner's views, of one page or of all, by page and name."""
        query = _TABLE.select().where(_TABLE.c.owner_id == owner_id)
        query = query if page is None else query.where(_TABLE.c.page == page.value)
        query = query.order_by(_TABLE.c.page, sa.func.lower(_TABLE.c.name), _TABLE.c.name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def count(self, owner_id: str) -> int:
        """Return how many an owner has."""
        query = sa.select(sa.func.count()).select_from(_TABLE).where(_TABLE.c.owner_id == owner_id)
        return self._connection.execute(query).scalar_one()

    def find(self, owner_id: str, page: ViewPage, name: str) -> SavedView | None:
        """Return one by its name."""
        named = (_TABLE.c.owner_id == owner_id, _TABLE.c.page == page.value, _TABLE.c.name == name)
        row = self._connection.execute(_TABLE.select().where(*named)).one_or_none()
        return None if row is None else _to_wire(row)

    def insert(self, view: SavedView, *, owner_id: str) -> None:
        """Add one."""
        self._connection.execute(
            _TABLE.insert().values(
                id=view.id,
                owner_id=owner_id,
                page=view.page.value,
                name=view.name,
                query=view.query,
                created_at=view.created_at,
                updated_at=view.updated_at,
            )
        )

    def change(self, view_id: str, *, query: str, at: datetime) -> None:
        """Let one be of another query."""
        self._connection.execute(_TABLE.update().where(_TABLE.c.id == view_id).values(query=query, updated_at=at))

    def delete(self, owner_id: str, view_id: str) -> bool:
        """Forget an owner's view; False when there is none."""
        statement = _TABLE.delete().where(_TABLE.c.id == view_id, _TABLE.c.owner_id == owner_id)
        return bool(self._connection.execute(statement).rowcount)

    def forget_all(self, owner_id: str) -> None:
        """Forget all views of an owner who cannot come back."""
        self._connection.execute(_TABLE.delete().where(_TABLE.c.owner_id == owner_id))


def _to_wire(row: sa.Row[Any]) -> SavedView:
    page = ViewPage(row.page)
    return SavedView(
        id=row.id,
        page=page,
        name=row.name,
        query=row.query,
        address=address_of(page, row.query),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
