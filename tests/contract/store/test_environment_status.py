"""The periodic status: when it is made, and what it says."""

from __future__ import annotations

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.wire.api_v2 import PredictionEnvironmentPatch
from tests.contract.store.sites import Site


def test_it_is_due_when_its_interval_has_passed(site: Site):
    """Not before, and with every deployment in it."""
    site.ready("d1")
    site.ready("d2")
    assert site.claim() is None

    site.clock.pass_seconds(61)
    claim = site.take()

    assert claim.spec.type is ActionType.ENVIRONMENT_STATUS
    assert ["d1", "d2"] == [target.id for target in claim.spec.deployments]


def test_it_is_not_made_for_an_empty_environment(site: Site):
    """There is nothing to look at."""
    site.clock.pass_seconds(3600)

    assert site.claim() is None


def test_it_is_not_made_twice(site: Site):
    """One is under way at most."""
    site.ready()
    site.clock.pass_seconds(61)
    site.take()

    assert site.claim() is None


def test_a_health_that_changed_is_an_entry(site: Site):
    """One that stayed is none."""
    site.ready()

    site.look(d1=site.sight("running"))
    site.look(d1=site.sight("stopped", Outcome.FAILED))
    site.look(d1=site.sight("stopped", Outcome.FAILED))

    assert ["management_agent_service_health_red"] == [name for name in site.event_types() if "health" in name]
    assert site.deployment().service_health.status is Health.FAILING


def test_health_counts_from_its_last_change(site: Site):
    """`since` is when it began."""
    site.ready()
    since = site.deployment().service_health.start_date

    site.look(d1=site.sight("running"))

    assert since == site.deployment().service_health.start_date


def test_a_stopped_deployment_that_runs_is_failing(site: Site):
    """With the reason."""
    site.ready()
    site.act(ActionType.DEPLOYMENT_STOP)
    site.report(site.take(), hosts=())

    site.look(d1=site.sight("running"))

    assert site.deployment().service_health.status is Health.FAILING
    assert "although the deployment is stopped" in site.deployment().service_health.message


def test_a_running_deployment_that_is_absent_is_failing(site: Site):
    """Even when the host thinks that is fine."""
    site.ready()

    site.look(d1=site.sight("absent"))

    assert site.deployment().service_health.status is Health.FAILING
    assert "absent" in site.deployment().service_health.message


def test_a_host_that_was_not_reached_keeps_its_endpoint(site: Site):
    """What was proved last is still the best address."""
    site.ready()
    site.clock.pass_seconds(61)
    claim = site.take()

    unreachable = HostOutcome(host="h1", outcome=Outcome.UNREACHABLE)
    site.report(claim, ActionStatus.FAILED, health=None, outcome=Outcome.UNREACHABLE, hosts=(unreachable,))

    assert site.deployment().service_health.status is Health.UNKNOWN
    assert ["h1"] == [endpoint.host for endpoint in site.deployment().endpoints]


def test_a_deployment_under_change_is_left_alone(site: Site):
    """Its own action will say."""
    site.ready()
    site.clock.pass_seconds(61)
    claim = site.take()
    site.act(ActionType.DEPLOYMENT_RELAUNCH)

    site.report(claim, health=None, hosts=(site.seen(d1=site.sight("absent")),))

    assert site.deployment().service_health.status is Health.PASSING


def test_it_settles_an_unknown_state(site: Site):
    """By observing, never by a retry."""
    site.create()
    site.report(site.take(), ActionStatus.UNKNOWN, outcome=Outcome.UNKNOWN, health=Health.UNKNOWN)

    site.look(d1=site.sight("running"))

    assert site.deployment().state is DeploymentState.READY


def test_it_waits_while_the_interval_is_zero(site: Site):
    """Zero means no periodic status."""
    site.ready()
    site.services.registry.update_environment(
        site.environment.id, PredictionEnvironmentPatch(status_interval_seconds=0)
    )
    site.clock.pass_seconds(3600)

    assert site.claim() is None


def test_a_deletion_whose_stop_failed_ends_when_nothing_runs(site: Site):
    """A look settles it."""
    site.ready()
    site.services.deployments.delete("d1", site.asker)
    site.report(site.take(), ActionStatus.FAILED)

    site.look(d1=site.sight("absent"))

    assert "deployment_deletion" == site.event_types()[-1]
