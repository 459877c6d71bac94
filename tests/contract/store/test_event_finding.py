"""Whatever is asked of the feed: the same answer as looking at every entry, on both databases and by every way to find it.

`MGMT_ANSIBLE_CASES=1000 .venv/bin/pytest tests/contract/store/test_event_finding.py` asks as much of each way.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgmt_ansible.control_plane.store import event_finding
from mgmt_ansible.control_plane.store.event_finding import EventFinder
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters, categories_of
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.search_words import words_of
from mgmt_ansible.wire.api_v2 import DeploymentEvent
from tests.contract.store.sites import START, Site

TYPES = (
    "model_deployments.deployment_launch_started",
    "model_deployments.deployment_launch_failed",
    "model_deployments.model_replacement_started",
    "mgmt_ansible.agent_started",
)
MESSAGES = ("disk full", "disk is slow", "all is fine", "nothing to say")
HOSTS = ("h1", "h2")
ENTRIES = 120
CASES = int(os.environ.get("MGMT_ANSIBLE_CASES", "15"))


def some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


def hours() -> st.SearchStrategy[object]:
    return st.none() | st.integers(-1, ENTRIES + 1).map(lambda number: START + timedelta(hours=number))


FILTERS = st.builds(
    EventFilters,
    deployment_id=st.sampled_from((None, None, "d1", "d2", "d9")),
    environment_id=st.sampled_from((None, None, "e1", "e2")),
    hosts=some(*HOSTS, "h9"),
    types=some(*TYPES),
    categories=some(EventCategory.LAUNCH, EventCategory.REPLACEMENT, EventCategory.RETENTION),
    healths=some(Health.PASSING, Health.FAILING),
    actor=st.sampled_from((None, None, "ann", "nobody")),
    since=hours(),
    until=hours(),
    search=st.sampled_from(("", "", "disk", "di", "full disk", "disk fine", "xylophone", "?")),
)


@pytest.fixture
def feed(site: Site) -> tuple[Site, list[DeploymentEvent]]:
    """A feed whose old part differs from its new part, newest first; its agent's and environment's entries are gone."""
    chance = random.Random(7)
    with site.store.write() as tx:
        tx.pruning.remove_entries(range(1, 100))
        tx.deployment_events.append_all([_entry(chance, number) for number in range(ENTRIES)])
    return site, site.services.deployment_events.list_events(limit=500).data


def _entry(chance: random.Random, number: int) -> dict[str, object]:
    early = number < ENTRIES // 2
    return {
        "id": f"e{number}",
        "type": chance.choice(TYPES[:2] if early else TYPES[1:]),
        "health": chance.choice(tuple(Health)).value,
        "title": "Entry",
        "message": chance.choice(MESSAGES[:2] if early else MESSAGES[1:]),
        "occurred_at": START + timedelta(hours=number + chance.randint(-9, 0)),
        "received_at": START + timedelta(hours=number),
        "environment_id": chance.choice(("e1", "e2")),
        "deployment_id": chance.choice((None, "d1", "d2")),
        "action_id": None,
        "run_id": None,
        "generation": None,
        "host": chance.choice((None, *HOSTS)),
        "actor": "ann" if early else "bob",
        "data": {},
    }


def fulfils(entry: DeploymentEvent, filters: EventFilters) -> bool:
    """The rules, entry by entry."""
    words = words_of(f"{entry.type} {entry.title} {entry.message} {entry.deployment_id} {entry.host} {entry.actor}")
    asked = words_of(filters.search)
    return (
        filters.deployment_id in (None, entry.deployment_id)
        and filters.environment_id in (None, entry.prediction_environment_id)
        and (not filters.hosts or entry.host in filters.hosts)
        and (not filters.types or entry.type in filters.types)
        and (not filters.categories or bool(set(filters.categories) & set(categories_of(entry.type))))
        and (not filters.healths or entry.health in filters.healths)
        and filters.actor in (None, entry.actor)
        and (filters.since is None or entry.timestamp >= filters.since)
        and (filters.until is None or entry.timestamp < filters.until)
        and (not filters.search or bool(asked))
        and all(any(word.startswith(one) for word in words) for one in asked)
    )


@pytest.mark.parametrize("few", [0, 7, 40, 5_000])
def test_what_is_found_is_what_looking_at_every_entry_finds(
    feed: tuple[Site, list[DeploymentEvent]], monkeypatch: pytest.MonkeyPatch, few: int
):
    """In both orders, from anywhere to anywhere; a total is exact, or no more than there are."""
    monkeypatch.setattr(event_finding, "FEW", few)
    monkeypatch.setattr(event_finding, "NEAR", few // 2)
    monkeypatch.setattr(event_finding, "COUNTED", few)
    site, entries = feed
    first, last = entries[-1].sequence, entries[0].sequence
    ends = st.none() | st.integers(first - 1, last + 2)

    @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(filters=FILTERS, before=ends, after=ends, limit=st.integers(1, 30), offset=st.integers(0, 20))
    def compare(filters: EventFilters, before: int | None, after: int | None, limit: int, offset: int) -> None:
        expected = [
            one.sequence
            for one in entries
            if (before is None or one.sequence < before)
            and (after is None or one.sequence > after)
            and fulfils(one, filters)
        ]
        with site.store.read() as tx:
            connection = tx.access._connection
            found = EventFinder(connection, filters, before=before, after=after).newest(limit=limit, offset=offset)
            older = EventFinder(connection, filters, before=before, after=after).next_newest(limit=limit)
            newer = EventFinder(connection, filters, before=before, after=after).next_oldest(limit=limit)
            counted = tx.deployment_events.count(filters, before=before or last + 1)
        assert tuple(expected[offset : offset + limit]) == found.sequences
        assert tuple(expected[:limit]) == older
        assert tuple(expected[::-1][:limit]) == newer
        assert found.total <= len(expected)
        assert found.total > min(len(expected) - 1, offset + limit)
        assert not found.exact or found.total == len(expected)
        assert after is not None or len(expected) == counted

    compare()
