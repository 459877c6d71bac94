"""The search of the feed: the same answers in both databases, whatever is typed."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.database import Database
from mgmt_ansible.control_plane.store.migrating import migrate
from mgmt_ansible.domain.event_filters import EventFilters
from tests.contract.store.sites import START, Site

KIND = "mgmt_ansible.tested"


def add(site: Site, title: str, **more: object) -> None:
    with site.store.write() as tx:
        append_event(tx, type=KIND, environment_id=site.environment.id, title=title, **more)  # type: ignore[arg-type]


def found(site: Site, search: str) -> list[str]:
    entries = site.services.deployment_events.list_events(EventFilters(search=search, types=(KIND,)))
    return [entry.title for entry in entries.data]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("disk", ["Disk full on host-7"]),
        ("DISK full", ["Disk full on host-7"]),
        ("full disk", ["Disk full on host-7"]),
        ("dis", ["Disk full on host-7"]),
        ("isk", []),
        ("disk empty", []),
        ("host-7", ["Disk full on host-7"]),
        ("host", ["Gr\u00f6\u00dfe \u00e4ndert sich", "Disk full on host-7"]),
        ("GR\u00d6SSE", ["Gr\u00f6\u00dfe \u00e4ndert sich"]),
        ("gro", []),
        ("h1.example", ["Gr\u00f6\u00dfe \u00e4ndert sich"]),
        ("errno 28", ["Disk full on host-7"]),
        ("ann", ["Disk full on host-7"]),
        ("%", []),
        ("--", []),
    ],
)
def test_entries_are_found_by_their_words(site: Site, search: str, expected: list[str]):
    """Title, message, host, actor and the texts of data; each word as the beginning of one, whatever the case."""
    add(site, "Disk full on host-7", actor="ann", data={"evidence": [{"text": "[Errno 28] No space left"}]})
    add(site, "Gr\u00f6\u00dfe \u00e4ndert sich", host="h1.example", message="host")

    assert expected == found(site, search)


@pytest.mark.parametrize(
    "search",
    [
        '"',
        "'",
        "a AND b",
        "NEAR(a b)",
        "words:x",
        "a*",
        "^a",
        "(a",
        "a | b",
        "!a",
        "a:*",
        "\\",
        "{a b}",
        "-a",
        "'; DROP TABLE x; --",
    ],
)
def test_nothing_that_is_typed_is_an_operator(site: Site, search: str):
    """Words are words."""
    add(site, f"x {search} y")

    letters = any(character.isalnum() for character in search)
    assert ([f"x {search} y"] if letters else []) == found(site, search)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), search=st.text(max_size=60))
def test_any_text_can_be_stored_and_asked_for(site: Site, text: str, search: str):
    """No error, and an entry is found by what is in it."""
    add(site, "some", message=text)
    newest = site.services.deployment_events.list_events(limit=1).data[0]

    found(site, search)
    asked = EventFilters(search=f"{newest.title} {newest.message}"[:200])

    assert newest.id in [entry.id for entry in site.services.deployment_events.list_events(asked, limit=500).data]


def test_a_removed_entry_is_not_found(site: Site, database_url: str):
    """Whoever prunes the feed need not know of the search."""
    add(site, "Gone soon")
    add(site, "Stays soon")
    database = Database(database_url)
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM deployment_events WHERE title = 'Gone soon'"))
    database.close()

    assert ["Stays soon"] == found(site, "soon")


def test_entries_from_before_the_search_are_found(empty_database_url: str):
    """The migration reads what is there."""
    database = Database(empty_database_url)
    row = {
        "id": "e1",
        "type": KIND,
        "health": "info",
        "title": "Old entry",
        "message": "",
        "actor": "ann",
        "data": '{"a": ["deep text"]}',
    }
    migrate(database, to="0002")
    with database.write() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO deployment_events (id, type, health, title, message, occurred_at, received_at, environment_id, actor, data)"
                " VALUES (:id, :type, :health, :title, :message, :at, :at, 'env', :actor, :data)"
            ),
            {**row, "at": _stored(connection, START)},
        )
    database.close()
    store = Store(empty_database_url)

    store.prepare()

    with store.read() as tx:
        for search in ("old", "deep", "ann"):
            assert ["e1"] == [
                entry.id for entry in tx.deployment_events.list(EventFilters(search=search), limit=9).data
            ]
    store.close()


def _stored(connection: sa.Connection, moment: datetime) -> object:
    return moment.replace(tzinfo=None).isoformat(" ") if connection.dialect.name == "sqlite" else moment
