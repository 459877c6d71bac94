"""Rollbacks, dry runs, relaunches of failed hosts only, and what each host last said."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.reports import HostsReport
from mgmt_ansible.wire import api_v2


def fine(site, claim, *names):
    return tuple(HostOutcome(host=name, outcome=Outcome.CHANGED, identity=site.identity(claim)) for name in names)


def broken(name):
    return HostOutcome(host=name, outcome=Outcome.FAILED, cause=Cause.NOT_READY, message="no answer")


def half_failed(site):
    """A launch that came up on `h1` only."""
    site.create("d1")
    claim = site.take()
    hosts = (*fine(site, claim, "h1"), broken("h2"))
    site.report(claim, ActionStatus.FAILED, outcome=Outcome.FAILED, health=Health.WARNING, hosts=hosts)


def ask(site, action_type, **more):
    body = api_v2.ActionIn(type=action_type, **more)
    return site.services.deployments.act("d1", body, site.asker).action_id


def hosts_of(site):
    return {one.host: one for one in site.services.deployments.list_hosts(deployment_id="d1").data}


def test_a_rollback_brings_back_the_package_of_the_last_other_release(site):
    """As a new generation; and once more leads back again."""
    site.ready("d1")
    site.replace("d1")
    site.run()
    assert site.package.id == site.services.deployments.find_rollback_target("d1").id
    ask(site, ActionType.DEPLOYMENT_ROLLBACK)
    assert DeploymentState.REPLACING_MODEL is site.deployment().state
    claim = site.run()
    assert (3, site.package.id) == (claim.spec.deployment.generation, claim.spec.deployment.package.id)
    seen = site.deployment()
    assert (DeploymentState.READY, site.package.id) == (seen.state, seen.model_package.id)
    assert site.newer.id == site.services.deployments.find_rollback_target("d1").id


def test_without_another_good_release_a_rollback_is_refused(site):
    """The message says what to do instead."""
    site.ready("d1")
    with pytest.raises(errors.ConflictError, match="no other release"):
        ask(site, ActionType.DEPLOYMENT_ROLLBACK)


def test_a_rollback_that_touched_no_host_leaves_everything_as_it_was(site):
    """As a replacement does."""
    site.ready("d1")
    site.replace("d1")
    site.run()
    ask(site, ActionType.DEPLOYMENT_ROLLBACK)
    untouched = HostOutcome(host="h1", outcome=Outcome.NOT_RUN)
    site.report(site.take(), ActionStatus.FAILED, hosts=(untouched,))
    seen = site.deployment()
    assert (DeploymentState.READY, site.newer.id) == (seen.state, seen.model_package.id)


def test_each_host_keeps_its_own_result(site):
    """The action failed; the host on which it did not is told as fine."""
    half_failed(site)
    seen = hosts_of(site)
    assert (Outcome.OK, True) == (seen["h1"].outcome, seen["h1"].in_step)
    assert (Outcome.FAILED, Cause.NOT_READY, "no answer") == (seen["h2"].outcome, seen["h2"].cause, seen["h2"].message)


def test_the_matrix_is_told_the_same_in_short(site):
    """Outcome and step of every host, and nothing else."""
    half_failed(site)
    told = {(one.host, one.outcome, one.in_step) for one in site.services.deployments.standings(["d1"])}
    assert {("h1", Outcome.OK, True), ("h2", Outcome.FAILED, False)} == told


def test_a_host_that_was_not_reached_keeps_the_model_that_was_proved_there(site):
    """What serves is not forgotten for a cut cable."""
    site.ready("d1")
    before = hosts_of(site)["h1"]
    site.act(ActionType.DEPLOYMENT_RELAUNCH)
    away = HostOutcome(host="h1", outcome=Outcome.UNREACHABLE, cause=Cause.UNREACHABLE)
    site.report(site.take(), ActionStatus.FAILED, outcome=Outcome.UNREACHABLE, hosts=(away,))
    after = hosts_of(site)["h1"]
    assert (Outcome.UNREACHABLE, before.digest) == (after.outcome, after.digest)


def test_a_look_changes_a_hosts_row_only_when_it_saw_something_else(site):
    """`since` tells how long it has been so."""
    site.ready("d1")
    first = hosts_of(site)["h1"]
    site.look(d1=site.sight("running"))
    assert first == hosts_of(site)["h1"]
    site.look(d1=site.sight("stopped", Outcome.FAILED))
    assert (Outcome.FAILED, site.clock()) == (hosts_of(site)["h1"].outcome, hosts_of(site)["h1"].since)


def test_a_deleted_deployment_leaves_no_hosts(site):
    """Its history stays, its present goes."""
    site.ready("d1")
    site.services.deployments.delete("d1", site.asker, ignore_management_agent=True)
    assert {} == hosts_of(site)


def test_only_the_failed_hosts_are_meant(site):
    """The others keep their endpoints, and all together make the health."""
    half_failed(site)
    ask(site, ActionType.DEPLOYMENT_RELAUNCH, failed_only=True)
    claim = site.take()
    assert ("h2",) == claim.spec.limit
    site.report(claim, hosts=fine(site, claim, "h2"))
    seen = site.deployment()
    assert (Health.PASSING, {"h1", "h2"}) == (seen.service_health.status, {one.host for one in seen.endpoints})
    assert {"h1", "h2"} == set(hosts_of(site))


def test_a_failed_relaunch_of_some_hosts_leaves_a_deployment_that_serves_ready(site):
    """One of two serves on: at risk, not down."""
    half_failed(site)
    ask(site, ActionType.DEPLOYMENT_RELAUNCH, failed_only=True)
    site.report(site.take(), ActionStatus.FAILED, outcome=Outcome.FAILED, hosts=(broken("h2"),))
    seen = site.deployment()
    assert (DeploymentState.READY, Health.WARNING) == (seen.state, seen.service_health.status)


@pytest.mark.parametrize(
    ("action_type", "error"),
    [
        (ActionType.DEPLOYMENT_RELAUNCH, errors.ConflictError),
        (ActionType.DEPLOYMENT_STOP, errors.InvalidRequestError),
        (ActionType.DEPLOYMENT_STATUS, errors.InvalidRequestError),
        (ActionType.DEPLOYMENT_DRY_RUN, errors.InvalidRequestError),
    ],
)
def test_failed_only_is_refused_where_it_means_nothing(site, action_type, error):
    """No host failed, or the action is for all; each refusal says what else to do."""
    site.ready("d1")
    with pytest.raises(error):
        ask(site, action_type, failed_only=True)


def test_a_dry_run_takes_no_generation_and_changes_nothing(site):
    """Only the feed has one entry more, with what each host would do."""
    before = site.ready("d1")
    body = api_v2.ModelReplacement(model_package_id=site.newer.id, dry_run=True)
    accepted = site.services.deployments.replace_model("d1", body, site.asker)
    claim = site.take()
    spec = claim.spec
    assert (ActionType.DEPLOYMENT_DRY_RUN, ActionType.DEPLOYMENT_REPLACE_MODEL) == (spec.type, spec.would)
    assert (before.generation + 1, site.newer.id) == (spec.deployment.generation, spec.deployment.package.id)
    would = HostOutcome(host="h1", outcome=Outcome.CHANGED, message="would start generation 2")
    site.report(claim, health=None, hosts=(would,))
    after = site.deployment()
    ignored = {"current_action": None, "updated_at": before.updated_at}
    assert before.model_copy(update=ignored) == after.model_copy(update=ignored)
    assert ActionType.DEPLOYMENT_REPLACE_MODEL is site.action(accepted.action_id).would
    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1")).data[0]
    assert ("mgmt_ansible.action_dry_run", Health.INFO) == (entry.type, entry.health)
    assert "would start generation 2" in entry.data["hosts"]["h1"]["message"]


def test_a_dry_run_of_what_is_not_allowed_is_refused(site):
    """It would be refused without the dry run too."""
    site.create("d1", launch=False)
    with pytest.raises(errors.TransitionError):
        ask(site, ActionType.DEPLOYMENT_STOP, dry_run=True)


def found(site, **filters):
    page = site.services.deployments.find(DeploymentFilters(**filters))
    return [one.id for one in page.data]


def test_deployments_are_found_by_host_and_by_the_name_of_their_package(site):
    """A host that told of it counts, and one of its environment's inventory."""
    half_failed(site)
    assert ["d1"] == found(site, host="h2")
    assert [] == found(site, host="h3")
    hosts = HostsReport(
        id="hosts-1",
        environment_id=site.environment.id,
        hosts=(InventoryHost(name="h3"),),
        taken_at=site.clock(),
    )
    site.services.agents.report(site.agent, [hosts])
    assert ["d1"] == found(site, host="h3")
    assert (["d1"], []) == (found(site, package_name="fraud"), found(site, package_name="frau"))


def test_tiles_count_by_health_and_state(site):
    """Of all that fulfil the other filters."""
    site.ready("d1")
    site.create("d2", importance="HIGH")
    counted = site.services.deployments.tally(DeploymentFilters())
    assert (1, 2) == (counted[Health.PASSING, DeploymentState.READY], sum(counted.values()))
    assert 1 == sum(site.services.deployments.tally(DeploymentFilters(importances=("HIGH",))).values())
    assert ("fraud",) == site.services.deployments.package_names()


def test_the_strip_is_told_of_healths_only(site):
    """Oldest first; entries that only tell are left out."""
    half_failed(site)
    assert [Health.WARNING] == [health for _, health in site.services.deployment_events.healths("d1")]


def test_an_entry_is_found_by_its_id(site):
    """And one that is not there is said not to be."""
    site.ready("d1")
    newest = site.services.deployment_events.list_events(EventFilters(deployment_id="d1")).data[0]
    assert newest == site.services.deployment_events.get_event(newest.id)
    with pytest.raises(errors.NotFoundError):
        site.services.deployment_events.get_event("f" * 24)
