"""Monitors: whose word is shown of a deployment's health, on both databases."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.monitoring import PredictionRequestsIn, RemoteEventIn
from tests.contract.store.sites import Site


def say(site: Site, what: str, monitor: str = "datadog", **more: object) -> None:
    values = {"event_type": f"model_deployments.{what}", "timestamp": site.clock(), "deployment_id": "d1", **more}
    site.services.monitoring.report(RemoteEventIn(**values), monitor=monitor)


def shown(site: Site) -> tuple[str, str]:
    one = site.deployment()
    return one.service_health.status.value, one.agent_health.status.value


def test_the_worse_of_agent_and_monitors_is_shown(site: Site):
    """The list, its filter and the environment show the same."""
    site.ready()
    say(site, "service_health_red", message="5 % errors")

    assert ("failing", "passing") == shown(site)
    assert "datadog: 5 % errors" == site.deployment().service_health.message
    assert 1 == site.services.deployments.find(DeploymentFilters(healths=(Health.FAILING,))).total_count
    assert "failing" == site.services.registry.get_environment(site.environment.id).health.status
    say(site, "service_health_green")
    assert ("passing", "passing") == shown(site)


def test_the_agents_newest_word_replaces_its_former_ones(site: Site):
    """A monitor that is fine does not hide that the agent is not."""
    site.ready()
    say(site, "service_health_green")
    site.look(d1=site.sight("stopped"))
    assert ("failing", "failing") == shown(site)
    site.look(d1=site.sight("running"))

    assert ("passing", "passing") == shown(site)


def test_each_monitors_last_word_counts(site: Site):
    """Another's does not replace it."""
    site.ready()
    say(site, "service_health_red", "datadog")
    say(site, "service_health_green", "zabbix")
    assert "failing" == shown(site)[0]
    say(site, "service_health_yellow_from_red", "datadog")

    assert "warning" == shown(site)[0]
    words = site.services.monitoring.list_words("d1")
    assert [("datadog", "warning"), ("zabbix", "passing")] == [(one.monitor, one.health) for one in words]


def test_a_monitor_that_sees_nothing_counts_for_nothing(site: Site):
    """Its word is kept all the same."""
    site.ready()
    say(site, "service_health_unknown")

    assert "passing" == shown(site)[0]
    assert ["unknown"] == [one.health for one in site.services.monitoring.list_words("d1")]


def test_what_was_said_of_a_former_model_counts_no_more(site: Site):
    """Once the new one serves; a replacement that failed changes nothing of it."""
    site.ready()
    say(site, "service_health_red")
    site.replace()
    old = HostOutcome(host="h1", outcome=Outcome.FAILED, old_model_in_use=True)
    site.report(site.take(), ActionStatus.FAILED, hosts=(old,))
    assert "failing" == shown(site)[0]
    site.replace()
    site.run()

    assert "passing" == shown(site)[0]
    assert [False] == [one.counts for one in site.services.monitoring.list_words("d1")]


def test_a_monitor_that_is_not_there_any_more_is_forgotten(site: Site):
    """By whoever looks after it."""
    site.ready()
    say(site, "service_health_red")
    site.services.monitoring.forget("d1", "datadog")

    assert "passing" == shown(site)[0]
    with pytest.raises(errors.NotFoundError, match="said nothing"):
        site.services.monitoring.forget("d1", "datadog")


def test_flapping_is_of_what_the_agent_sees(site: Site):
    """A monitor's word between two looks is no change of theirs."""
    site.ready()
    say(site, "service_health_red")
    before = len(site.event_types())
    site.look(d1=site.sight("running"))

    assert before == len(site.event_types())


def test_in_a_self_managed_environment_only_monitors_count(site: Site):
    """Nobody else looks."""
    site.services.registry.update_environment(
        site.environment.id, api_v2.PredictionEnvironmentPatch(managed_by="selfManaged")
    )
    site.create()
    assert "unknown" == shown(site)[0]
    say(site, "service_health_green")

    assert ("passing", "unknown") == shown(site)


def test_other_healths_are_what_monitors_say(site: Site):
    """Drift is the model's; they are filtered and ordered by."""
    site.ready()
    site.ready("d2")
    say(site, "data_drift_red", message="feature x")
    say(site, "accuracy_yellow_from_green")
    one = site.deployment()

    assert ("failing", "warning", "unknown", "passing") == (
        one.model_health.status,
        one.accuracy_health.status,
        one.fairness_health.status,
        one.service_health.status,
    )
    assert "datadog: feature x" == one.model_health.message
    found = site.services.deployments.find(DeploymentFilters(model_healths=(Health.FAILING,)))
    assert ["d1"] == [deployment.id for deployment in found.data]
    found = site.services.deployments.find(DeploymentFilters(order_by="-modelHealth"))
    assert ["d2", "d1"] == [deployment.id for deployment in found.data]


def test_an_event_enters_the_feed_as_the_monitors(site: Site):
    """With what was told, redacted; progress of an action too."""
    site.ready()
    secret = "mga_" + "x" * 40
    say(site, "service_health_red", title="Red", message=f"token={secret}", data={"k": [1, {"password": secret}]})
    newest = site.services.deployment_events.list_events(limit=1).data[0]

    assert ("model_deployments.service_health_red", "failing", "failure", "Red", "monitor:datadog") == (
        newest.type,
        newest.health,
        newest.status_type,
        newest.title,
        newest.actor,
    )
    assert secret not in newest.model_dump_json()
    assert {"k"} == set(newest.data["data"])


def test_what_is_about_nothing_is_refused(site: Site):
    """And what is about something that is not there, or claims to be ours."""
    site.ready()
    with pytest.raises(errors.InvalidRequestError, match="deploymentId"):
        say(site, "service_health_red", deployment_id=None)
    with pytest.raises(errors.NotFoundError):
        say(site, "service_health_red", deployment_id="gone")
    with pytest.raises(errors.NotFoundError):
        say(site, "x", deployment_id=None, prediction_environment_id="gone")
    with pytest.raises(errors.InvalidRequestError, match="another"):
        say(site, "x", prediction_environment_id=site.add_environment("other").id)
    with pytest.raises(errors.InvalidRequestError, match="eventType"):
        say(site, "x", event_type="mgmt_ansible.feed_pruned")


def test_predictions_are_counted_by_day(site: Site):
    """The deployment tells the last seven."""
    site.ready()
    body = PredictionRequestsIn(data=[{"numPredictions": 40, "executionTime": 12.5}, {"userError": True}])
    site.services.monitoring.count_requests("d1", body)
    site.services.monitoring.count_requests("d1", body)
    site.clock.pass_seconds(86_400)
    site.services.monitoring.count_requests("d1", PredictionRequestsIn(data=[{"numPredictions": 5, "systemError": 1}]))
    usage = site.deployment().prediction_usage

    assert [0, 0, 0, 0, 0, 80, 5] == usage.daily_rates
    assert [0.5, 0.0] == usage.user_error_rates[-2:]
    assert [0.0, 1.0] == usage.server_error_rates[-2:]
    assert [(4, 80, 25.0), (1, 5, 0.0)] == [
        (one.rows, one.predictions, one.execution_milliseconds) for one in site.services.monitoring.usage("d1")
    ]


def test_a_deleted_deployment_takes_its_words_and_counts_along(site: Site):
    """One that is made again under its id begins anew."""
    site.ready()
    say(site, "service_health_red")
    site.services.monitoring.count_rows("d1", "actuals", [1])
    site.services.deployments.delete("d1", site.asker, ignore_management_agent=True)
    site.create(launch=False)

    assert ((), []) == (site.services.monitoring.list_words("d1"), site.services.monitoring.usage("d1"))
