"""`runs/{id}/log/`: lines by range, as text, and as a stream."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.reports import LogReport
from tests.contract.store.sites import Site


@pytest.fixture
def run(site: Site) -> str:
    """A run with three lines, of which the second was lost, that has ended."""
    site.create()
    claim = site.take()
    for first, line in ((1, "one"), (3, "three")):
        report = LogReport(
            id=f"log-{first}",
            action_id=claim.spec.id,
            attempt=1,
            run_id="r1",
            playbook="deployment_launch",
            started_at=site.clock(),
            first=first,
            lines=(line,),
        )
        site.services.agents.report(site.agent, [report])
    site.services.agents.report(site.agent, [site.run_report(claim, "r1")])
    return "/api/v2/runs/r1/log/"


def test_lines_are_read_by_range(user: TestClient, run: str):
    """`nextLine` tells from where to ask on."""
    answer = user.get(run, params={"first": 1, "limit": 1}).json()

    assert ([{"number": 1, "text": "one"}], 2, 3) == (answer["lines"], answer["nextLine"], answer["logLines"])
    assert None is user.get(run, params={"first": 2}).json()["nextLine"]


def test_the_whole_log_is_text_for_who_asks(user: TestClient, run: str):
    """What was lost is said."""
    answer = user.get(run, headers={"Accept": "text/plain"})

    assert "one\n[1 line lost]\nthree\n" == answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_stream_ends_with_the_run(user: TestClient, run: str):
    """And goes on after the last line that somebody saw."""
    whole = user.get(f"{run}stream/").text
    rest = user.get(f"{run}stream/", headers={"Last-Event-ID": "1"}).text

    assert ["event: log", "event: ended"] == [line for line in whole.splitlines() if line.startswith("event")]
    messages = [json.loads(line[6:]) for line in rest.splitlines() if line.startswith("data: ")]
    assert [[3], []] == [[line["number"] for line in message["lines"]] for message in messages]


@pytest.mark.parametrize("query", ["first=0", "first=x", "limit=0", "limit=5001", "first=99999999999"])
def test_a_wrong_range_is_refused(user: TestClient, run: str, query: str):
    """The field is named."""
    answer = user.get(f"{run}?{query}")

    assert (422, True) == (answer.status_code, query.partition("=")[0] in answer.json()["message"])


@pytest.mark.parametrize("query", ["status=nonsense", "since=2026-01-01T00:00:00", "before=-1", "search=" + "x" * 201])
def test_a_wrong_filter_is_refused(user: TestClient, query: str):
    """Never ignored in silence."""
    assert 422 == user.get(f"/api/v2/runs/?{query}").status_code
