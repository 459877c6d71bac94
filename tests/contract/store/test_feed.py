"""The feed and the lists."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mgmt_ansible.control_plane import deployment_events
from mgmt_ansible.control_plane.deployment_events import DeploymentEvents
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.event_filters import EventCategory, EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.api_v2 import DeploymentEvent
from tests.contract.store.sites import START, Site


def test_entries_are_newest_first_by_sequence(site: Site):
    """Never by a clock."""
    site.ready()
    site.clock.pass_seconds(-3600)
    site.replace()

    sequences = [entry.sequence for entry in site.services.deployment_events.list_events().data]

    assert sorted(sequences, reverse=True) == sequences
    assert "model_replacement_started" == site.event_types()[-1]


def test_before_and_after_are_exclusive(site: Site):
    """They are how one pages through a growing feed."""
    site.ready()
    feed = site.services.deployment_events
    newest, middle, oldest = (entry.sequence for entry in feed.list_events(EventFilters(deployment_id="d1")).data)

    between = feed.list_events(EventFilters(deployment_id="d1"), before=newest, after=oldest).data

    assert [middle] == [entry.sequence for entry in between]


def test_the_feed_filters_by_type_and_health(site: Site):
    """Several types are one question."""
    site.ready()
    feed = site.services.deployment_events
    kinds = ("model_deployments.deployment_creation", "model_deployments.deployment_launch_succeeded")

    assert 2 == feed.list_events(EventFilters(types=kinds)).total_count
    assert 1 == feed.list_events(EventFilters(healths=(Health.PASSING,))).total_count
    assert 0 == feed.list_events(EventFilters(environment_id="gone")).total_count


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (
            EventFilters(categories=(EventCategory.LAUNCH,)),
            ["deployment_launch_succeeded", "deployment_launch_started"],
        ),
        (
            EventFilters(categories=(EventCategory.LIFE_CYCLE, EventCategory.AGENT)),
            ["deployment_creation", "agent_started"],
        ),
        (EventFilters(healths=(Health.PASSING, Health.FAILING)), ["deployment_launch_succeeded"]),
        (EventFilters(actor="ann"), ["deployment_launch_started", "deployment_creation"]),
        (EventFilters(hosts=("h1",)), []),
        (
            EventFilters(since=START + timedelta(hours=1)),
            ["deployment_launch_succeeded", "deployment_launch_started", "deployment_creation"],
        ),
        (EventFilters(until=START + timedelta(hours=1)), ["agent_started"]),
        (EventFilters(deployment_id="d1", categories=(EventCategory.AGENT,)), []),
    ],
)
def test_filters_narrow_the_feed(site: Site, filters: EventFilters, expected: list[str]):
    """All that is given must be fulfilled; of several values one is enough; `since` counts itself, `until` does not."""
    site.clock.pass_seconds(3600)
    site.ready()

    found = site.services.deployment_events.list_events(filters).data

    assert expected == [entry.type.partition(".")[2] for entry in found]


def test_an_extract_is_what_was_there_when_it_was_asked_for(site: Site, monkeypatch: pytest.MonkeyPatch):
    """In batches, each entry once, and nothing that came meanwhile."""
    monkeypatch.setattr(deployment_events, "_EXPORT_BATCH", 2)
    for number in range(3):
        site.create(f"d{number}")
    feed = site.services.deployment_events
    before = [entry.sequence for entry in feed.list_events().data]

    count, entries = feed.extract(EventFilters())
    first = next(entries)
    site.create("late")

    assert before == [first.sequence, *(entry.sequence for entry in entries)]
    assert len(before) == count


def test_a_follower_is_told_of_what_comes(site: Site):
    """In order, and from where it was."""

    async def follow() -> list[str]:
        feed = site.services.deployment_events
        seen: list[DeploymentEvent] = []
        entries = feed.follow(feed.newest_sequence(), EventFilters(deployment_id="d1"), lambda: len(seen) == 2)
        creating = asyncio.create_task(asyncio.to_thread(site.create))
        async for entry in entries:
            if entry is not None:
                seen.append(entry)
        await creating
        return [entry.type.partition(".")[2] for entry in seen]

    assert ["deployment_creation", "deployment_launch_started"] == asyncio.run(asyncio.wait_for(follow(), 60))


def test_a_follower_misses_nothing_while_many_write(site: Site):
    """Sequences appear in their order, as there is one writer at a time."""

    async def follow() -> list[int]:
        seen: list[DeploymentEvent] = []
        entries = site.services.deployment_events.follow(0, EventFilters(), lambda: len(seen) >= 41)
        async for entry in entries:
            if entry is not None:
                seen.append(entry)
        return [entry.sequence for entry in seen]

    with ThreadPoolExecutor(5) as pool:
        made = [pool.submit(site.create, f"d{number}") for number in range(20)]
        sequences = asyncio.run(asyncio.wait_for(follow(), 60))

    assert all(future.result() for future in made)
    assert sorted(set(sequences)) == sequences
    assert 41 == len(sequences)


def test_a_follower_ends_when_the_server_does(site: Site):
    """So that Ctrl-C need not wait."""

    async def follow() -> int:
        entries = site.services.deployment_events.follow(10**6, EventFilters(), lambda: False)
        asyncio.get_running_loop().call_later(0.1, site.services.wakeups.stop)
        return len([entry async for entry in entries])

    assert 0 == asyncio.run(asyncio.wait_for(follow(), 60))


def test_a_follower_who_is_admitted_no_more_is_told_nothing(site: Site):
    """Asked at each keep-alive, whether there are entries or not."""
    feed = DeploymentEvents(site.store, site.services.wakeups, keep_alive_seconds=0)

    async def follow() -> list[DeploymentEvent | None]:
        answers = iter((True, True, False))
        return [entry async for entry in feed.follow(10**6, EventFilters(), admitted=lambda: next(answers))]

    assert [None, None] == asyncio.run(asyncio.wait_for(follow(), 60))


def test_the_newest_entries_of_deployments_are_one_question(site: Site):
    """Without their data, which may be large."""
    site.create("d1")
    site.create("d2", launch=False)
    site.create("d3")

    newest = site.services.deployment_events.newest_of(["d1", "d2", "gone"])

    types = {deployment_id: entry.type.partition(".")[2] for deployment_id, entry in newest.items()}
    assert {"d1": "deployment_launch_started", "d2": "deployment_creation"} == types
    assert {} == newest["d1"].data


def test_deployments_are_found_by_what_people_remember(site: Site):
    """Label, id or package, whatever the case; a percent sign is only itself."""
    site.create("d1")
    site.create("other")
    deployments = site.services.deployments

    assert ["d1"] == [one.id for one in deployments.list_deployments(search="LABEL OF D1").data]
    assert 2 == deployments.list_deployments(search="fraud").total_count
    assert 0 == deployments.list_deployments(search="%").total_count
    assert 2 == deployments.list_deployments(state=DeploymentState.LAUNCHING).total_count


def test_a_page_counts_what_is_there(site: Site):
    """`count` is of the page, `total_count` of all."""
    for number in range(3):
        site.create(f"d{number}")

    page = site.services.deployments.list_deployments(limit=2, offset=1)

    assert (2, 3, ["d1", "d2"]) == (page.count, page.total_count, [one.id for one in page.data])


def test_an_environment_shows_its_worst_health(site: Site):
    """With how many of its deployments."""
    assert "no deployments" == site.services.registry.get_environment(site.environment.id).health.message
    site.ready()

    assert site.services.registry.get_environment(site.environment.id).health.status is Health.PASSING
