"""Deployments and runs as files: exactly what a filter shows, counted, and no formulas."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane import exporting
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site

DEPLOYMENTS = "/api/v2/exports/deployments/"
RUNS = "/api/v2/exports/runs/"


@pytest.fixture
def five(site: Site) -> Site:
    """Five deployments with a run each; one's label is a formula."""
    for number in range(5):
        site.create(f"d{number}")
        claim = site.take()
        site.services.agents.report(site.agent, [site.run_report(claim, f"r{number}")])
        site.report(claim)
    site.services.deployments.update("d3", api_v2.DeploymentPatch(label='=HYPERLINK("http://x")', importance="HIGH"))
    return site


def rows(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.mark.parametrize("query", ["", "importance=LOW&orderBy=-createdAt", "search=d3", "health=failing"])
def test_deployments_are_exported_as_the_filter_shows_them(
    five: Site, user: TestClient, monkeypatch: pytest.MonkeyPatch, query: str
):
    """The same ones in the same order, counted, also over several batches."""
    monkeypatch.setattr(exporting, "_BATCH", 2)
    shown = user.get(f"/api/v2/deployments/?{query}").json()["data"]

    table = user.get(f"{DEPLOYMENTS}?{query}")
    lines = user.get(f"{DEPLOYMENTS}?{query}&format=jsonl")

    assert [one["id"] for one in shown] == [row["id"] for row in rows(table)]
    assert shown == [json.loads(line) for line in lines.text.splitlines()]
    assert str(len(shown)) == table.headers["x-total-count"] == lines.headers["x-total-count"]
    assert 'attachment; filename="deployments.csv"' == table.headers["content-disposition"]
    assert "nosniff" == table.headers["x-content-type-options"]


def test_runs_are_exported_as_the_filter_shows_them(five: Site, user: TestClient, monkeypatch: pytest.MonkeyPatch):
    """Newest first, without logs; as JSON lines they are the API's own objects, with each host."""
    monkeypatch.setattr(exporting, "_BATCH", 2)
    monkeypatch.setattr(exporting, "_RUNS_WITH_HOSTS", 3)
    shown = user.get("/api/v2/runs/?status=successful").json()["data"]

    table, lines = user.get(f"{RUNS}?status=successful"), user.get(f"{RUNS}?status=successful&format=jsonl")

    assert [one["id"] for one in shown] == [row["id"] for row in rows(table)]
    assert shown == [json.loads(line) for line in lines.text.splitlines()]
    assert ["5", "5"] == [answer.headers["x-total-count"] for answer in (table, lines)]
    assert "0" == user.get(f"{RUNS}?deploymentId=gone").headers["x-total-count"]


def test_no_label_is_a_formula_in_any_table(five: Site, user: TestClient):
    """An apostrophe in CSV, a text in a sheet, the label itself in Parquet."""
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("xlsxwriter")
    files = {form: user.get(f"{DEPLOYMENTS}?search=d3&format={form}") for form in ("csv", "xlsx", "parquet")}

    assert """'=HYPERLINK("http://x")""" == rows(files["csv"])[0]["label"]
    assert ['=HYPERLINK("http://x")'] == parquet.read_table(io.BytesIO(files["parquet"].content))["label"].to_pylist()
    assert (b"PK", "1") == (files["xlsx"].content[:2], files["xlsx"].headers["x-total-count"])


@pytest.mark.parametrize("page", ["/?importance=LOW", "/runs?status=successful&since=2026-10-01T00:00"])
def test_a_page_leads_to_files_of_what_it_shows(five: Site, user: TestClient, page: str):
    """Each format, counted on the button."""
    text = user.get(page).text
    links = [html.unescape(link) for link in re.findall(r'href="(/api/v2/exports/[^"]+)"', text)]

    assert ["csv", "jsonl", "xlsx", "parquet"] == [re.search(r"format=(\w+)", link)[1] for link in links]
    assert f"Export {user.get(links[0]).headers['x-total-count']}" in text


@pytest.mark.parametrize(
    "address",
    [
        f"{DEPLOYMENTS}?format=cloudevents",
        f"{DEPLOYMENTS}?orderBy=nothing",
        f"{RUNS}?since=2026-11-01T00:00",
        f"{RUNS}?search=" + "x" * 201,
    ],
)
def test_what_cannot_be_exported_is_refused_by_its_name(user: TestClient, address: str):
    """Before a file begins."""
    answer = user.get(address)

    assert 422 == answer.status_code
    assert address.partition("?")[2].partition("=")[0] in answer.text
