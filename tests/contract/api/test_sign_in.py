"""Signing in by name and password, and users over HTTP."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.api.conftest import Callers

PASSWORD = "correct horse battery"
ANN = {"name": "Ann B", "role": "operator", "password": PASSWORD}


@pytest.fixture
def ann(user: TestClient) -> str:
    """The id of a user."""
    return user.post("/api/v2/users/", json=ANN).json()["id"]


def test_a_name_and_a_password_open_the_pages(callers: Callers, ann: str):
    """And the API, with the user's role."""
    answer = callers.nobody.post("/login", data={"name": " ann b ", "password": PASSWORD})

    assert 200 == answer.status_code
    assert 200 == callers.nobody.get("/").status_code
    refusal = callers.nobody.post("/api/v2/users/", headers={"Sec-Fetch-Site": "same-origin"}, json=ANN)
    assert "Ann B has operator" in refusal.json()["message"]


def test_the_form_says_that_something_was_wrong_and_not_what(callers: Callers, ann: str):
    """The same page for a wrong password and an unknown name."""
    pages = [
        callers.nobody.post("/login", data={"name": name, "password": "wrong wrong wrong"})
        for name in ("Ann B", "nobody")
    ]

    assert [401, 401] == [page.status_code for page in pages]
    assert pages[0].text == pages[1].text
    assert "name or the password is wrong" in pages[0].text


def test_too_many_tries_are_told_when_to_come_again(callers: Callers):
    """429, on the form."""
    answers = [callers.nobody.post("/login", data={"name": "x", "password": "y"}) for _ in range(11)]

    assert [401] * 10 + [429] == [answer.status_code for answer in answers]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 30
    assert "Too many tries" in answers[-1].text


def test_a_form_of_another_site_signs_nobody_in(callers: Callers, ann: str):
    """Not even with the right password."""
    headers = {"Sec-Fetch-Site": "cross-site"}

    answer = callers.nobody.post("/login", data={"name": "Ann B", "password": PASSWORD}, headers=headers)

    assert 401 == answer.status_code
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ANN, "password": "short"}, "password"),
        ({**ANN, "password": "x" * 257}, "password"),
        ({**ANN, "password": 5}, "password"),
        ({**ANN, "role": "root"}, "role"),
        ({**ANN, "name": "a/b"}, "name"),
        ({"role": "viewer"}, "name"),
    ],
)
def test_a_user_that_does_not_fit_is_refused(user: TestClient, body: dict, field: str):
    """422, which names the field and not the password."""
    answer = user.post("/api/v2/users/", json=body)

    assert 422 == answer.status_code
    assert field in answer.json()["message"]
    assert "x" * 20 not in answer.text


def test_a_user_is_changed_in_part(user: TestClient, ann: str):
    """Absent fields stay, and no answer has the password."""
    changed = user.patch(f"/api/v2/users/{ann}/", json={"disabled": True})

    assert ("operator", True, True) == tuple(changed.json()[name] for name in ("role", "disabled", "hasPassword"))
    assert PASSWORD not in changed.text
    assert changed.json() == user.get(f"/api/v2/users/{ann}/").json() == user.get("/api/v2/users/").json()["data"][0]


def test_a_taken_name_is_a_conflict(user: TestClient, ann: str):
    """Whatever its case."""
    assert 409 == user.post("/api/v2/users/", json={**ANN, "name": "ANN B"}).status_code
