"""As-of over HTTP: times with a zone, and clear refusals."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.contract.store.sites import Site


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "asOf"),
        ("asOf=yesterday", "asOf"),
        ("asOf=2026-11-01T00:00:00", "asOf"),
        ("asOf=2001-01-01T00:00:00Z", "begins at"),
        ("asOf=2999-01-01T00:00:00Z", "to come"),
    ],
)
def test_a_time_that_does_not_fit_is_refused(user: TestClient, query: str, field: str):
    """422, which names it."""
    answer = user.get(f"/api/v2/deploymentHistory/?{query}")

    assert (422, True) == (answer.status_code, field in answer.json()["message"])


def test_differences_need_both_times(site: Site, user: TestClient):
    """And name the one that does not fit."""
    answer = user.get("/api/v2/deploymentHistory/differences/?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z")

    assert 422 == user.get("/api/v2/deploymentHistory/differences/?from=2026-11-01T00:00:00Z").status_code
    assert "from: the history of deployments begins at" in answer.json()["message"]
