"""What types of monitors' events say."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.monitors import Aspect, feed_type, health_of_event, judgement_of


@pytest.mark.parametrize(
    ("event_type", "judgement"),
    [
        ("model_deployments.service_health_green", (Aspect.SERVICE, Health.PASSING)),
        ("model_deployments.service_health_yellow_from_green", (Aspect.SERVICE, Health.WARNING)),
        ("model_deployments.service_health_yellow_from_red", (Aspect.SERVICE, Health.WARNING)),
        ("model_deployments.service_health_red", (Aspect.SERVICE, Health.FAILING)),
        ("model_deployments.service_health_still_red", (Aspect.SERVICE, Health.FAILING)),
        ("model_deployments.management_agent_service_health_unknown", (Aspect.SERVICE, Health.UNKNOWN)),
        ("model_deployments.data_drift_red", (Aspect.MODEL, Health.FAILING)),
        ("model_deployments.accuracy_still_yellow", (Aspect.ACCURACY, Health.WARNING)),
        ("model_deployments.fairness_green", (Aspect.FAIRNESS, Health.PASSING)),
        ("model_deployments.custom_metrics_red", None),
        ("monitoring.spooler_channel_red", None),
        ("management.deploymentInfo", None),
        ("model_deployments.model_replacement", None),
    ],
)
def test_a_type_judges_one_health_or_tells(event_type: str, judgement: tuple | None):
    """By how its name ends."""
    assert judgement == judgement_of(event_type)


@pytest.mark.parametrize(
    ("event_type", "status_type", "health"),
    [
        ("model_deployments.service_health_red", None, Health.FAILING),
        ("model_deployments.custom_metrics_yellow_from_green", None, Health.WARNING),
        ("prediction_request.failed", None, Health.FAILING),
        ("monitoring.spooler_channel_red", None, Health.FAILING),
        ("monitoring.external_model_nan_predictions", None, Health.WARNING),
        ("management.deploymentInfo", None, Health.INFO),
        ("management.deploymentInfo", "failure", Health.FAILING),
        ("moderationAlert", "warning", Health.WARNING),
    ],
)
def test_an_entry_has_the_health_that_its_type_says(event_type: str, status_type: str | None, health: Health):
    """Else its `statusType`."""
    assert health is health_of_event(event_type, status_type)


def test_names_as_they_are_posted_become_those_of_the_feed():
    """Any other stays."""
    assert "management.deploymentInfo" == feed_type("deploymentInfo")
    assert "model_deployments.service_health_red" == feed_type("service_health_red")
    assert "moderationMetricCreationError" == feed_type("moderationMetricCreationError")
