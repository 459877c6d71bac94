"""Orphans: told once, shown while they are there, and left alone."""

from __future__ import annotations

from dataclasses import replace

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome, Orphan, OrphanState, Outcome
from mgmt_ansible.wire.api_v2 import DeploymentIn
from tests.contract.store.sites import Site

FOUND = "agent_orphans_found"


def orphan(name: str, state: OrphanState = OrphanState.RUNNING) -> Orphan:
    return Orphan(deployment_id=name, state=state)


def look(site: Site, *found: Orphan, host: str = "h1", told: bool = True) -> None:
    """Let a host tell what lies there, beside d1, which serves."""
    site.clock.pass_seconds(61)
    seen = replace(site.seen(d1=site.sight("running")), host=host, orphans=found if told else None)
    site.report(site.take(), health=None, outcome=Outcome.OK, hosts=(seen,))


def listed(site: Site) -> list[tuple[str, str, str]]:
    page = site.services.registry.list_orphans(site.environment.id)
    return [(one.deployment_id, one.host, one.state) for one in page.data]


def test_what_nobody_knows_is_told_once(site: Site):
    """One entry when it is new, none while it stays, another when it runs again."""
    site.ready()
    look(site, orphan("lost"), orphan("d1"), orphan("left", OrphanState.STOPPED))
    look(site, orphan("lost"), orphan("left", OrphanState.STOPPED))
    assert [("lost", "h1", "running"), ("left", "h1", "stopped")] == listed(site)
    assert 1 == site.event_types(None).count(FOUND)

    look(site, orphan("left"))

    assert [("left", "h1", "running")] == listed(site)
    assert 2 == site.event_types(None).count(FOUND)
    newest = site.services.deployment_events.list_events().data[0]
    assert (Health.WARNING, None) == (newest.health, newest.deployment_id)
    assert [{"host": "h1", "deployment_id": "left", "state": "running"}] == newest.data["orphans"]
    assert "left on h1" in newest.message


def test_what_a_stop_leaves_is_listed_and_not_told(site: Site):
    """Every deleted deployment leaves that."""
    site.ready()
    look(site, orphan("left", OrphanState.STOPPED))

    assert ([("left", "h1", "stopped")], 0) == (listed(site), site.event_types(None).count(FOUND))


def test_a_deployment_of_another_environment_is_none(site: Site):
    """Two environments may share a host; what becomes a deployment is none any more."""
    other = site.add_environment("other")
    site.ready()
    body = DeploymentIn(
        model_package_id=site.package.id,
        label="two",
        prediction_environment_id=other.id,
        deployment_id="d2",
        launch=False,
    )
    site.services.deployments.create(body, site.asker)
    look(site, orphan("d2"), orphan("lost"))
    assert [("lost", "h1", "running")] == listed(site)

    site.create("lost", launch=False)

    assert [] == listed(site)


def test_a_host_that_tells_nothing_keeps_what_it_told(site: Site):
    """It was not reached, or its agent is older; one that left the inventory is forgotten."""
    site.ready()
    look(site, orphan("lost"))
    look(site, told=False)
    assert [("lost", "h1", "running")] == listed(site)

    look(site, orphan("other"), host="h2")

    assert [("other", "h2", "running")] == listed(site)


def test_names_that_are_none_and_too_many_are_left_out(site: Site):
    """Whatever an agent tells."""
    site.ready()
    look(site, orphan("../../x"), orphan("x\n"), orphan(""), *(orphan(f"o{number}") for number in range(150)))

    page = site.services.registry.list_orphans(site.environment.id, limit=1)
    assert 97 == page.total_count


def test_an_environment_is_looked_at_while_it_has_orphans(site: Site):
    """Also when its last deployment was forgotten without asking the agent."""
    site.ready()
    look(site, orphan("lost"))
    site.services.deployments.delete("d1", site.asker, ignore_management_agent=True)
    site.clock.pass_seconds(61)

    claim = site.take()
    site.report(claim, health=None, hosts=(HostOutcome(host="h1", outcome=Outcome.OK, orphans=()),))

    assert [] == listed(site)
    site.clock.pass_seconds(61)
    assert site.claim() is None
