"""Saved views: what of an address is kept."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.saved_views import ViewPage, address_of, kept_query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?search=a+b&offset=50&event=x&before=3", "search=a+b"),
        ("column=health&column=state&empty=", "column=health&column=state"),
        ("search=%26before%3D3", "search=%26before%3D3"),
        ("", ""),
        ("no pairs at all", ""),
    ],
)
def test_a_view_is_all_but_where_one_is_in_the_list(query, expected):
    """Filters, order and columns, as they were."""
    assert expected == kept_query(query)


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=5))
def test_what_is_kept_stays_as_it_is(pairs):
    """Keeping it again changes nothing, whatever is in it, and nothing leads out of the page."""
    kept = kept_query("&".join(f"{name}={value}" for name, value in pairs))

    assert kept == kept_query(kept)
    assert parse_qsl(kept) == parse_qsl(address_of(ViewPage.EVENTS, kept).partition("?")[2])
    assert "/events" == address_of(ViewPage.EVENTS, kept).partition("?")[0]
