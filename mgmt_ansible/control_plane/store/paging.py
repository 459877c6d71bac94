"""Pages of a query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from mgmt_ansible.wire.api_v2 import Page

_T = TypeVar("_T")
MAX_LIMIT = 500


def page_of(
    connection: sa.Connection, query: sa.Select[Any], *, limit: int, offset: int, make: Callable[[sa.Row[Any]], _T]
) -> Page[_T]:
    """Return one page of a query; the edge adds its links.

    Args:
        connection: In a transaction.
        query: Ordered.
        limit: 1 to 500.
        offset: Rows to skip.
        make: Row -> item.
    """
    total = connection.execute(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    rows = connection.execute(query.limit(max(1, min(limit, MAX_LIMIT))).offset(max(0, offset)))
    data = [make(row) for row in rows]
    return Page(count=len(data), total_count=total, data=data)


def contains(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Return a condition: the column holds the text, whatever its case."""
    return sa.func.lower(column).contains(text.lower(), autoescape=True)
