"""`/api/v2`: views that people saved for themselves."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.saved_views import ViewPage
from mgmt_ansible.wire.basics import LABEL_PATTERN, WireModel

QUERY_PATTERN = r"^[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*$"
"""What a query string may have by RFC 3986."""


class SavedView(WireModel):
    """A name for a view of a list; `address` is its path on the pages with its `query`."""

    id: str
    page: ViewPage
    name: str
    query: str
    address: str
    created_at: datetime
    updated_at: datetime


class SavedViewIn(WireModel):
    """Body of `POST savedViews/`; `query` is the query string of the page's address."""

    page: ViewPage
    name: str = Field(min_length=1, max_length=60, pattern=LABEL_PATTERN)
    query: str = Field(default="", max_length=4000, pattern=QUERY_PATTERN)
