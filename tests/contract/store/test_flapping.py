"""A health that goes back and forth: told once, held, and told again when it has settled."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site


@pytest.fixture
def flapping(site: Site) -> Site:
    """A deployment whose fourth change was the third turn; the newest look saw it pass."""
    site.ready()
    look_at(site, "x.x.")
    return site


def look_at(site: Site, pattern: str) -> None:
    """Look once a minute: `.` sees it run, `x` sees it stopped."""
    for one in pattern:
        site.look(d1=site.sight("running") if one == "." else site.sight("stopped", Outcome.FAILED))


def health_types(site: Site) -> list[str]:
    words = [name.removeprefix("management_agent_service_") for name in site.event_types() if "health_" in name]
    return [word.removeprefix("health_") for word in words]


def newest(site: Site) -> api_v2.DeploymentEvent:
    return site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]


def test_it_is_one_entry_and_what_follows_is_held(flapping: Site):
    """However long it goes on."""
    look_at(flapping, "x.x.xx..x")

    assert ["red", "green", "red", "flapping"] == health_types(flapping)


def test_the_entry_says_how_often_in_which_time_and_between_what(flapping: Site):
    """For people and for programs; a warning, whatever the newest look saw."""
    entry = newest(flapping)

    assert ("mgmt_ansible.health_flapping", Health.WARNING) == (entry.type, entry.health)
    assert "changed 4 times in 3 min between passing and failing; now passing: 1 of 1 hosts serve" in entry.message
    assert (4, 183.0, ["passing", "failing"]) == tuple(entry.data[key] for key in ("changes", "seconds", "between"))


@pytest.mark.parametrize(("last", "expected"), [(".", Health.PASSING), ("x", Health.FAILING)])
def test_the_shown_health_is_what_the_newest_look_saw(flapping: Site, last: str, expected: Health):
    """Beside it stands that it flaps."""
    look_at(flapping, f"x.{last}")

    assert expected is flapping.deployment().service_health.status
    assert flapping.deployment().service_health.message.startswith("flapping: ")


@pytest.mark.parametrize(("last", "expected"), [(".", Health.PASSING), ("x", Health.FAILING)])
def test_it_is_told_at_what_health_it_settled(flapping: Site, last: str, expected: Health):
    """After ten minutes of the same, once."""
    look_at(flapping, ("x" if last == "." else ".") + last * 10)
    assert "flapping" == health_types(flapping)[-1]

    look_at(flapping, last * 3)

    assert ["red", "green", "red", "flapping", "settled"] == health_types(flapping)
    assert ("mgmt_ansible.health_settled", expected) == (newest(flapping).type, newest(flapping).health)
    assert "the same for 10 min" in newest(flapping).message
    assert not flapping.deployment().service_health.message.startswith("flapping")


def test_a_failing_one_settles_by_three_looks_however_rare(flapping: Site):
    """Looks that were canceled are none."""
    look_at(flapping, "x")
    for _ in range(2):
        flapping.clock.pass_seconds(900)
        flapping.report(flapping.take(), ActionStatus.CANCELED, health=None, hosts=())
    look_at(flapping, "x")
    assert "flapping" == health_types(flapping)[-1]

    look_at(flapping, "x")

    assert "settled" == health_types(flapping)[-1]


def test_looks_at_one_deployment_count_too(flapping: Site):
    """A person may ask for them."""
    look_at(flapping, "x")
    flapping.services.registry.update_environment(
        flapping.environment.id, api_v2.PredictionEnvironmentPatch(status_interval_seconds=0)
    )
    for _ in range(2):
        flapping.clock.pass_seconds(400)
        flapping.act(ActionType.DEPLOYMENT_STATUS)
        seen = flapping.seen(d1=flapping.sight("stopped", Outcome.FAILED))
        flapping.report(flapping.take(), health=None, outcome=Outcome.OK, hosts=(seen,))

    assert "settled" == health_types(flapping)[-1]


def test_an_action_starts_afresh(flapping: Site):
    """The next change is told at once, and what is shown says nothing of flapping."""
    flapping.act(ActionType.DEPLOYMENT_RELAUNCH)
    flapping.run()
    assert "flapping" not in flapping.deployment().service_health.message

    look_at(flapping, "x.")

    assert ["flapping", "red", "green"] == health_types(flapping)[-3:]


def test_a_change_that_was_canceled_before_it_began_is_no_fresh_start(flapping: Site):
    """The hosts know nothing of it."""
    action_id = flapping.act(ActionType.DEPLOYMENT_RELAUNCH)
    flapping.services.actions.cancel(action_id, actor="ann")

    look_at(flapping, "x.x")

    assert "flapping" == health_types(flapping)[-1]


def test_each_deployment_flaps_on_its_own(flapping: Site):
    """Another one's changes are told."""
    flapping.ready("d2")

    flapping.look(
        d1=flapping.sight("stopped", Outcome.FAILED), d2=flapping.sight("stopped", Outcome.FAILED, deployment_id="d2")
    )

    assert "flapping" == health_types(flapping)[-1]
    assert "management_agent_service_health_red" == flapping.event_types("d2")[-1]
