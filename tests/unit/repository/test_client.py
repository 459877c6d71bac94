"""The client has a method for every route, and its page says which."""

from __future__ import annotations

from tests.unit.repository import client_page


def test_every_route_has_a_method():
    """But those that others send signed."""
    asked = {route for routes in client_page.asked().values() for route in routes}

    assert [] == sorted(set(client_page.routes()) - asked - set(client_page.SIGNED))


def test_the_page_says_the_same():
    """`python -m tests.unit.repository.client_page` writes it anew."""
    assert client_page.written() == client_page.PAGE.read_text()
