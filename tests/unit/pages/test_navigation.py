"""The bar, the keys and the parts that all pages share."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible import errors
from mgmt_ansible.control_plane import access
from mgmt_ansible.control_plane.pages import forms
from mgmt_ansible.control_plane.pages.navigation import PLACES
from tests.unit.pages import scripted_services as scripted
from tests.unit.pages.scripted_access import SESSION


@pytest.fixture
def browser():
    with TestClient(scripted.Scripted().app(), follow_redirects=False) as client:
        client.cookies.set(access.SESSION_COOKIE, SESSION)
        yield client


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.text)
def test_every_place_of_the_bar_is_a_page_that_knows_where_it_is(browser, place):
    """No link leads nowhere, and the bar marks the page on which one is."""
    answer = browser.get(place.path)
    marked = re.findall(r'<a href="([^"]+)"[^>]* aria-current="page"', answer.text)
    assert (200, [place.path]) == (answer.status_code, marked)


def test_every_place_has_a_key_of_its_own():
    """`g` and a letter go to one page only."""
    keys = [place.key for place in PLACES]
    assert (len(keys), True) == (len(set(keys)), all(re.fullmatch("[a-z]", key) for key in keys))


def test_strangers_see_no_bar(browser):
    """Who is not signed in is offered the login only."""
    assert 'class="places"' not in browser.get("/login").text


def test_a_word_typed_otherwise_confirms_nothing():
    """The server does not rely on the page's own check."""
    forms.require_typed({"confirm": ["wine"]}, "wine")
    for typed in ({}, {"confirm": ["Wine"]}, {"confirm": ["wine", ""]}):
        with pytest.raises(errors.InvalidRequestError, match="confirm"):
            forms.require_typed(typed, "wine")
