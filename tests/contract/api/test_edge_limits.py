"""The edge: strangers are counted by address, and TLS is told to stay."""

from __future__ import annotations

from fastapi.testclient import TestClient

from mgmt_ansible.control_plane.api.authentication import STRANGERS_AT_ONCE
from tests.contract.api.conftest import Callers


def test_strangers_are_told_to_wait_and_the_others_are_served(callers: Callers, still_buckets: None):
    """429 says how long; a valid token from the same address is not counted."""
    path = "/api/v2/version/"
    headers = {"Authorization": "Bearer guessed"}
    told = [callers.nobody.get(path, headers=headers) for _ in range(STRANGERS_AT_ONCE + 60)]

    refused = [answer for answer in told if answer.status_code == 429]
    assert {401, 429} == {answer.status_code for answer in told}
    assert all(1 <= int(answer.headers["retry-after"]) for answer in refused)
    assert "too_many_requests" == refused[-1].json()["code"]
    assert 200 == callers.user.get(path).status_code


def test_only_answers_over_tls_ask_for_tls(callers: Callers):
    """Whoever tries on loopback is not locked out."""
    over_tls = TestClient(callers.nobody.app, base_url="https://testserver", follow_redirects=False)

    assert "max-age=31536000" == over_tls.get("/login").headers["strict-transport-security"]
    assert "strict-transport-security" not in callers.nobody.get("/login").headers
    assert (
        "secure" in over_tls.get(callers.user.post("/api/v2/loginLinks/").json()["path"]).headers["set-cookie"].lower()
    )
