"""What monitors report, and inbound webhooks, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.responses import ResponseSource
from mgmt_ansible.wire.basics import WireModel
from mgmt_ansible.wire.hooks import Webhook, WebhookIn
from mgmt_ansible.wire.monitoring import (
    ActualsIn,
    Message,
    MonitorWord,
    PredictionInputsIn,
    PredictionRequestsIn,
    PredictionStatsIn,
    RemoteEventIn,
    UsageCount,
)
from mgmt_ansible.wire.responses import ResponseTimes


class Monitoring:
    """Verbs of monitors."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def report(self, event: RemoteEventIn) -> Message:
        """Report an event; one that judges a health is this token's newest word on it."""
        return self._transport.send(Message, "POST", "remoteEvents/", body=event)

    def list_words(self, deployment_id: str) -> Iterator[MonitorWord]:
        """Yield what each monitor said last of each health of a deployment."""
        return self._transport.pages(MonitorWord, f"deployments/{segment(deployment_id)}/monitors/")

    def forget(self, deployment_id: str, monitor: str) -> None:
        """Forget what a monitor said; NotFoundError when it said nothing."""
        self._transport.read("DELETE", f"deployments/{segment(deployment_id)}/monitors/{segment(monitor)}/")

    def count_requests(self, deployment_id: str, rows: PredictionRequestsIn) -> Message:
        """Count requests and their predictions."""
        return self._count(deployment_id, "predictionRequests", rows)

    def count_inputs(self, deployment_id: str, rows: PredictionInputsIn) -> Message:
        """Count rows of features and predictions; they are not kept."""
        return self._count(deployment_id, "predictionInputs", rows)

    def count_stats(self, deployment_id: str, rows: PredictionStatsIn) -> Message:
        """Count aggregated statistics; they are not kept."""
        return self._count(deployment_id, "predictionStats", rows)

    def count_actuals(self, deployment_id: str, rows: ActualsIn) -> Message:
        """Count what came true; it is not kept."""
        return self._count(deployment_id, "actuals", rows)

    def list_usage(self, deployment_id: str) -> Iterator[UsageCount]:
        """Yield these counts by day and kind, of seven days."""
        return self._transport.pages(UsageCount, f"deployments/{segment(deployment_id)}/predictionUsage/")

    def list_response_times(
        self, deployment_id: str, *, hours: int = 24, source: ResponseSource | None = None
    ) -> Iterator[ResponseTimes]:
        """Yield the last hours (at most 2,160) in which responses were measured, by source, oldest first."""
        query = {"hours": hours, "source": source.value if source else None}
        return self._transport.pages(ResponseTimes, f"deployments/{segment(deployment_id)}/responseTimes/", query)

    def _count(self, deployment_id: str, kind: str, rows: WireModel) -> Message:
        path = f"deployments/{segment(deployment_id)}/{kind}/fromJSON/"
        return self._transport.send(Message, "POST", path, body=rows)


class Webhooks:
    """Verbs on inbound webhooks."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_webhooks(self) -> Iterator[Webhook]:
        """Yield webhooks by name, without their secrets."""
        return self._transport.pages(Webhook, "webhooks/")

    def create_webhook(self, webhook: WebhookIn) -> Webhook:
        """Create a webhook; the answer is the only time that `secret` is told."""
        return self._transport.send(Webhook, "POST", "webhooks/", body=webhook)

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook."""
        self._transport.read("DELETE", f"webhooks/{segment(webhook_id)}/")
