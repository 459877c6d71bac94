"""Scoping on both databases: every question that the services ask is narrowed, joins and inner questions too."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.current_request import serving
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site


@pytest.fixture
def scope(site: Site) -> tuple[str, ...]:
    """The environment `prod`, beside another with a deployment; each has one that was launched, `prod` one that was not."""
    other = site.add_environment("other")
    site.create("d1")
    site.create("never", launch=False)
    body = api_v2.DeploymentIn(
        model_package_id=site.package.id, label="x", prediction_environment_id=other.id, deployment_id="out"
    )
    site.services.deployments.create(body, Asker(actor="ann"))
    return (site.environment.id,)


def test_lists_joins_and_counts_are_of_the_scope(site: Site, scope: tuple[str, ...]):
    """Also a deployment without any action, which an outer join finds."""
    services = site.services
    with serving(None, scope=scope):
        deployments = services.deployments.list_deployments()
        assert ["d1", "never"] == sorted(one.id for one in deployments.data)
        assert 2 == deployments.total_count
        assert ["d1"] == [one.deployment_id for one in services.actions.list_actions().data]
        assert [site.environment.id] == [one.id for one in services.registry.list_environments().data]
        assert {"agent"} == {one.name for one in services.agents.list_agents().data}
        assert 1 == sum(services.actions.counts().values())


@pytest.mark.parametrize(
    "filters", [EventFilters(), EventFilters(search="launch"), EventFilters(search="x", actor="ann")]
)
def test_the_feed_is_of_the_scope(site: Site, scope: tuple[str, ...], filters: EventFilters):
    """By index, and by words."""
    everything = site.services.deployment_events.list_events(filters).data

    with serving(None, scope=scope):
        seen = site.services.deployment_events.list_events(filters).data

    assert [one for one in everything if one.deployment_id != "out"] == seen


def test_what_is_out_of_scope_is_not_found_to_change(site: Site, scope: tuple[str, ...]):
    """Nor does its id let one learn more."""
    with serving(None, scope=scope), pytest.raises(errors.NotFoundError):
        site.services.deployments.update("out", api_v2.DeploymentPatch(label="y"))
    with serving(None, scope=scope), pytest.raises(errors.ConflictError):
        site.services.deployments.create(
            api_v2.DeploymentIn(
                model_package_id=site.package.id,
                label="x",
                prediction_environment_id=site.environment.id,
                deployment_id="out",
            ),
            Asker(actor="bob"),
        )

    assert "x" == site.deployment("out").label


def test_a_scope_ends_with_its_request(site: Site, scope: tuple[str, ...]):
    """A connection that comes back to the pool remembers nothing."""
    with serving(None, scope=scope):
        site.services.deployments.list_deployments()

    assert 3 == site.services.deployments.list_deployments().total_count
