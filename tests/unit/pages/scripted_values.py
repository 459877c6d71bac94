"""Deployments, environments, actions and entries as pages show them, with what matters given by keyword."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.domain.receipts import ProbedPhase, Receipt
from mgmt_ansible.domain.responses import HOUR, ResponseSource, hour_of, response
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

NOW = datetime.now(UTC)
DIGEST = "5f" * 32
RECEIPT = Receipt(
    interval_seconds=0.05,
    probes=120,
    failed=3,
    longest_gap_seconds=0.15,
    slow=2,
    before=ProbedPhase(probes=100, p50_seconds=0.002, p99_seconds=0.004),
    during=ProbedPhase(probes=3),
    after=ProbedPhase(probes=17, p50_seconds=0.003, p99_seconds=0.25),
)


def environment(name: str = "loopback", environment_id: str = "e" * 24) -> api_v2.PredictionEnvironment:
    return api_v2.PredictionEnvironment(
        id=environment_id,
        name=name,
        platform="onPremise",
        description="",
        supported_model_formats=["externalModel"],
        is_managed_by_management_agent=True,
        managed_by="agent",
        status_interval_seconds=60,
        health=api_v2.EnvironmentHealth(status=Health.PASSING),
        created_at=NOW,
    )


def deployment(deployment_id: str = "wine", **changes: object) -> api_v2.Deployment:
    value = api_v2.Deployment(
        id=deployment_id,
        label=f"Label of {deployment_id}",
        description="",
        status="active",
        state=DeploymentState.READY,
        importance="LOW",
        generation=3,
        port=None,
        created_at=NOW - timedelta(days=2),
        updated_at=NOW - timedelta(minutes=3),
        model_package=api_v2.PackageBrief(id="p" * 24, name="wine-forest", version="1.4.0", digest=DIGEST),
        prediction_environment=api_v2.EnvironmentBrief(
            id="e" * 24, name="loopback", platform="onPremise", is_managed_by_management_agent=True
        ),
        service_health=api_v2.HealthStatus(status=Health.PASSING, message="1 of 1 hosts serve"),
        endpoints=[
            api_v2.Endpoint(
                host="host-1",
                url="http://127.0.0.1:40123/v2/models/wine/infer",
                port=40123,
                digest=DIGEST,
                generation=3,
                pid=4711,
            )
        ],
        prediction_url="http://127.0.0.1:40123/v2/models/wine/infer",
    )
    return value.model_copy(update=changes)


def action(action_id: str = "a" * 24, **changes: object) -> api_v2.Action:
    value = api_v2.Action(
        id=action_id,
        type=ActionType.DEPLOYMENT_LAUNCH,
        status=ActionStatus.SUCCEEDED,
        prediction_environment_id="e" * 24,
        deployment_id="wine",
        generation=3,
        attempt=1,
        agent="agent-1",
        requested_by="ada",
        requested_at=NOW - timedelta(minutes=4),
        started_at=NOW - timedelta(minutes=4),
        finished_at=NOW - timedelta(minutes=3),
        cancel_requested=False,
        outcome="changed",
        cause=None,
        message="",
        progress="",
        hosts=[HostOutcome(host="host-1", outcome=Outcome.CHANGED, message="The model serves.")],
    )
    return value.model_copy(update=changes)


def entry(sequence: int = 1, **changes: object) -> api_v2.DeploymentEvent:
    value = api_v2.DeploymentEvent(
        id=f"{sequence:024x}",
        sequence=sequence,
        type="model_deployments.deployment_launch_succeeded",
        status_type="success",
        health=Health.PASSING,
        title=f"Launch succeeded ({sequence})",
        message="1 host serves wine-forest 1.4.0.",
        timestamp=NOW - timedelta(minutes=3),
        received_at=NOW - timedelta(minutes=3),
        prediction_environment_id="e" * 24,
        deployment_id="wine",
        action_id="a" * 24,
        run_id=None,
        generation=3,
        host=None,
        actor="agent:agent-1",
        data={},
    )
    return value.model_copy(update=changes)


def deployment_host(deployment_id: str = "wine", host: str = "host-1", **changes: object) -> DeploymentHost:
    value = DeploymentHost(
        deployment_id=deployment_id,
        prediction_environment_id="e" * 24,
        host=host,
        outcome=Outcome.OK,
        cause=None,
        message="serves",
        digest=DIGEST,
        generation=3,
        in_step=True,
        action_id="a" * 24,
        since=NOW - timedelta(minutes=3),
    )
    return value.model_copy(update=changes)


def measured() -> dict:
    """Return responses of both sources: source -> hour -> what was measured; of every third hour nothing."""
    answered = response(milliseconds=4.0) + response(milliseconds=9.0)
    hours = {hour_of(NOW) - number * HOUR: answered for number in range(48) if number % 3}
    failed = {hour_of(NOW): answered + response(milliseconds=None, failed=True)}
    return dict.fromkeys(ResponseSource, hours | failed)


def page_of(values: list, limit: int, offset: int) -> api_v2.Page:
    shown = values[offset : offset + limit]
    return api_v2.Page(count=len(shown), total_count=len(values), data=shown)
