"""Saved views: a name for the filters, the order and the columns of a list."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

MOST_VIEWS = 200
"""Of one person."""

_PASSING = frozenset({"offset", "before", "event"})
"""What is where one is in a list, and no part of a view of it."""


class ViewPage(StrEnum):
    """The list that a view is of."""

    DEPLOYMENTS = "deployments"
    EVENTS = "events"
    RUNS = "runs"


PATHS: Mapping[ViewPage, str] = {
    ViewPage.DEPLOYMENTS: "/",
    ViewPage.EVENTS: "/events",
    ViewPage.RUNS: "/runs",
}


def kept_query(query: str) -> str:
    """Return what of an address's query string a view keeps: all but where one is in the list, and empty values."""
    pairs = parse_qsl(query.removeprefix("?"), max_num_fields=100)
    return urlencode([(name, value) for name, value in pairs if name not in _PASSING])


def address_of(page: ViewPage, query: str) -> str:
    """Return where a view is."""
    return f"{PATHS[page]}?{query}" if query else PATHS[page]
