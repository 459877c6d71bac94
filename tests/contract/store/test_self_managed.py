"""Environments that no agent acts on: changes are recorded, nobody is handed anything, and all of it says so."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site


def switch(site: Site, *, managed: bool) -> api_v2.PredictionEnvironment:
    body = api_v2.PredictionEnvironmentPatch(is_managed_by_management_agent=managed)
    return site.services.registry.update_environment(site.environment.id, body, actor="ann")


def test_a_launch_is_recorded_and_no_agent_gets_it(site: Site):
    """Done at once, with an outcome that says that nothing was done on hosts."""
    switch(site, managed=False)

    action = site.action(site.create())

    assert (ActionStatus.SUCCEEDED, Outcome.SKIPPED) == (action.status, action.outcome)
    assert "self-managed" in action.message
    assert None is site.claim()
    assert (DeploymentState.READY, "unknown") == ((one := site.deployment()).state, one.service_health.status)
    assert "self-managed" in one.service_health.message


def test_a_replacement_and_a_stop_are_recorded(site: Site):
    """The record follows; a deletion needs nobody."""
    switch(site, managed=False)
    site.create()
    site.replace()
    replaced = site.deployment()
    site.act(ActionType.DEPLOYMENT_STOP)

    assert (site.newer.id, DeploymentState.READY) == (replaced.model_package.id, replaced.state)
    assert DeploymentState.STOPPED is site.deployment().state
    assert None is site.services.deployments.delete("d1", site.asker)
    assert "deployment_launch_succeeded" in site.event_types()


def test_nobody_looks_at_it(site: Site):
    """Neither by request nor by itself."""
    site.ready()
    switch(site, managed=False)
    site.clock.pass_seconds(1000)

    assert None is site.claim()
    with pytest.raises(errors.InvalidRequestError, match="self-managed"):
        site.act(ActionType.DEPLOYMENT_STATUS)
    with pytest.raises(errors.InvalidRequestError, match="self-managed"):
        site.services.registry.request_status(
            site.environment.id, api_v2.ActionIn(type=ActionType.ENVIRONMENT_STATUS), site.asker
        )


def test_what_waits_for_an_agent_is_canceled_when_none_shall_act(site: Site):
    """The deployment is what it was before."""
    waiting = site.create()
    switch(site, managed=False)

    assert ActionStatus.CANCELED is site.action(waiting).status
    assert DeploymentState.STOPPED is site.deployment().state


def test_an_agent_at_work_is_not_sent_away(site: Site):
    """It ends, or is canceled, first."""
    site.create()
    claim = site.take()
    with pytest.raises(errors.ConflictError, match="running"):
        switch(site, managed=False)
    site.report(claim)

    assert "selfManaged" == switch(site, managed=False).managed_by


def test_an_agent_gets_actions_again_when_it_shall_act(site: Site):
    """The next change is handed out."""
    switch(site, managed=False)
    site.create()
    assert "managementAgent" == switch(site, managed=True).managed_by
    asked = site.act(ActionType.DEPLOYMENT_RELAUNCH)

    assert asked == site.take().spec.id
    types = [one.type for one in site.services.deployment_events.list_events().data]
    assert {"mgmt_ansible.agent_environment_managed", "mgmt_ansible.agent_environment_self_managed"} <= set(types)


def test_an_agent_that_starts_is_told(site: Site):
    """In the feed of its environment."""
    switch(site, managed=False)
    site.add_agent("late", site.environment.id)

    newest = site.services.deployment_events.list_events(limit=1).data[0]

    assert ("Agent late started", True) == (newest.title, "self-managed" in newest.message)
