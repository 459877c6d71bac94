"""The feed of deployment events, through `/api/v2`: newest first, or as it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mgmt_ansible import errors
from mgmt_ansible.client import server_sent_events
from mgmt_ansible.client.transport import Query, Transport, parse_answer
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire.api_v2 import DeploymentEvent

_SILENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0


class DeploymentEvents:
    """Verbs on the feed."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_events(
        self,
        *,
        deployment_id: str | None = None,
        environment_id: str | None = None,
        event_type: str | None = None,
        health: Health | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> Iterator[DeploymentEvent]:
        """Yield entries, newest first, page after page.

        Args:
            deployment_id: Only of this deployment.
            environment_id: Only of this environment.
            event_type: Only of this type, as the feed spells it.
            health: Only of this health.
            before: Only with a lower sequence.
            after: Only with a higher sequence.
        """
        query = _query(deployment_id, environment_id, event_type, health)
        return self._transport.pages(DeploymentEvent, "deploymentEvents/", {**query, "before": before, "after": after})

    def follow_events(
        self,
        *,
        deployment_id: str | None = None,
        environment_id: str | None = None,
        event_type: str | None = None,
        health: Health | None = None,
        after: int | None = None,
        patience_seconds: float | None = None,
    ) -> Iterator[DeploymentEvent]:
        """Yield entries as they happen, oldest first, without end; lost connections are taken up where they broke.

        Args:
            deployment_id: Only of this deployment.
            environment_id: Only of this environment.
            event_type: Only of this type.
            health: Only of this health.
            after: Begin after this sequence; None begins with what happens from now on.
            patience_seconds: How long the control plane may be away before that is an error; None means for ever.

        Raises:
            ControlPlaneUnavailableError: It was away for longer than `patience_seconds`.
        """
        query = _query(deployment_id, environment_id, event_type, health)
        last, pause, answered_at = after, _FIRST_PAUSE_SECONDS, time.monotonic()
        while True:
            try:
                for deployment_event in self._stream(query, last):
                    last, pause, answered_at = deployment_event.sequence, _FIRST_PAUSE_SECONDS, time.monotonic()
                    yield deployment_event
            except errors.ControlPlaneUnavailableError:
                if patience_seconds is not None and time.monotonic() - answered_at > patience_seconds:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _stream(self, query: Query, last: int | None) -> Iterator[DeploymentEvent]:
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        with self._transport.open(
            "GET", "deploymentEvents/stream/", query=query, headers=headers, read_timeout_seconds=_SILENCE_SECONDS
        ) as response:
            for message in server_sent_events.parse(response.iter_content(None)):
                if message.name == "deployment_event":
                    yield parse_answer(DeploymentEvent, message.data.encode())


def _query(
    deployment_id: str | None, environment_id: str | None, event_type: str | None, health: Health | None
) -> dict[str, str | None]:
    return {
        "deploymentId": deployment_id,
        "predictionEnvironmentId": environment_id,
        "type": event_type,
        "health": health,
    }
