"""The stream says what is missing for who asks to go on, and exports are whole over HTTP."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible import errors
from mgmt_ansible.domain.event_filters import EventFilters, ExportFormat
from mgmt_ansible.domain.roles import Role
from tests.contract.api.conftest import Callers
from tests.contract.store.sites import Site

STREAM = "/api/v2/deploymentEvents/stream/"


def gap_of(site: Site, user: TestClient, after: int) -> dict[str, int] | None:
    """What a follower is told before any entry; the stream ends at once."""
    site.services.wakeups.stop()
    text = user.get(STREAM, headers={"Last-Event-ID": str(after)}).text
    _, _, told = text.partition("event: gap\ndata: ")
    return json.loads(told.partition("\n\n")[0]) if told else None


def prune(site: Site) -> tuple[int, int]:
    """Remove what is old; return the oldest and the newest sequence of what is there."""
    site.clock.pass_seconds(100 * 86_400)
    site.services.retention.prune(actor="ann")
    entries = site.services.deployment_events.list_events(limit=500).data
    return entries[-1].sequence, entries[0].sequence


def test_who_missed_nothing_is_told_of_no_gap(site: Site, user: TestClient):
    """Also from the very beginning."""
    site.ready()

    assert gap_of(site, user, 0) is None


def test_who_missed_what_retention_removed_is_told(site: Site, user: TestClient):
    """Also when something older stays; not who had seen it all."""
    for _ in range(3):
        site.ready("d1") if not site.services.deployments.list_deployments().data else site.replace() and site.run()
    before = site.services.deployment_events.newest_sequence()
    oldest, newest = prune(site)

    assert {"after": 1, "oldest": oldest, "newest": newest} == gap_of(site, user, 1)
    assert gap_of(site, user, before) is None


def test_who_is_ahead_of_a_restored_feed_is_told(site: Site, user: TestClient):
    """And gets what comes now, instead of nothing until the feed has caught up."""
    site.ready()
    newest = site.services.deployment_events.newest_sequence()

    assert {"after": newest + 500, "oldest": 1, "newest": newest} == gap_of(site, user, newest + 500)
    assert newest == site.services.deployment_events.place_of(newest + 500)[0]


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_a_table_is_what_the_filter_shows(site: Site, user: TestClient, tmp_path: Path, form: str):
    """Counted, named, and the very entries."""
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("xlsxwriter")
    site.ready()
    shown = user.get("/api/v2/deploymentEvents/?category=launch").json()["data"]

    answer = user.get(f"/api/v2/deploymentEvents/export/?category=launch&format={form}")

    assert f'attachment; filename="deployment-events.{form}"' == answer.headers["content-disposition"]
    assert str(len(shown)) == answer.headers["x-total-count"]
    if form == "parquet":
        assert [one["id"] for one in shown] == parquet.read_table(io.BytesIO(answer.content)).column("id").to_pylist()
    assert [] == list((tmp_path / "packages").glob(".export-*"))


@pytest.mark.parametrize("form", [ExportFormat.XLSX, ExportFormat.PARQUET])
def test_a_table_breaks_off_when_the_control_plane_ends(site: Site, form: ExportFormat):
    """Its end would wait until the last of a million entries is written; nothing stays behind."""
    pytest.importorskip("xlsxwriter")
    pytest.importorskip("pyarrow")
    site.create()
    pieces = site.services.exports.events(EventFilters(), form).pieces
    site.services.wakeups.stop()

    with pytest.raises(errors.StoreUnavailableError, match="shuts down"):
        list(pieces)


def test_who_sees_some_environments_is_told_of_a_gap_too(site: Site, callers: Callers):
    """What was removed may have been theirs; of what is there they are told their own only."""
    site.ready()
    site.run() if site.replace() else None
    token = site.services.access.create_token(
        name="bob", kind="user", role=Role.VIEWER, environment_ids=[site.environment.id]
    ).token
    prune(site)
    bob = TestClient(callers.user.app, headers={"Authorization": f"Bearer {token}"})

    assert gap_of(site, callers.user, 1) == gap_of(site, bob, 1) is not None
