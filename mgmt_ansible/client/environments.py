"""Prediction environments, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.wire.api_v2 import (
    ActionAccepted,
    ActionIn,
    EnvironmentHost,
    PredictionEnvironment,
    PredictionEnvironmentIn,
    PredictionEnvironmentPatch,
)


class Environments:
    """Verbs on prediction environments."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_environments(self) -> Iterator[PredictionEnvironment]:
        """Yield every environment, page after page."""
        return self._transport.pages(PredictionEnvironment, "predictionEnvironments/")

    def get_environment(self, environment_id: str) -> PredictionEnvironment:
        """Return one environment; NotFoundError without it."""
        return self._transport.get(PredictionEnvironment, f"predictionEnvironments/{segment(environment_id)}/")

    def create_environment(self, environment: PredictionEnvironmentIn) -> PredictionEnvironment:
        """Create an environment; names need not be unique for the control plane."""
        return self._transport.send(PredictionEnvironment, "POST", "predictionEnvironments/", body=environment)

    def change_environment(self, environment_id: str, change: PredictionEnvironmentPatch) -> PredictionEnvironment:
        """Change an environment; fields that are None stay."""
        path = f"predictionEnvironments/{segment(environment_id)}/"
        return self._transport.send(PredictionEnvironment, "PATCH", path, body=change)

    def delete_environment(self, environment_id: str) -> None:
        """Delete an environment; InvalidRequestError while deployments use it."""
        self._transport.read("DELETE", f"predictionEnvironments/{segment(environment_id)}/")

    def list_hosts(self, environment_id: str) -> Iterator[EnvironmentHost]:
        """Yield the agent's last snapshot of the environment's hosts, in inventory order."""
        return self._transport.pages(EnvironmentHost, f"predictionEnvironments/{segment(environment_id)}/hosts/")

    def ask_status(
        self, environment_id: str, *, timeout_seconds: float | None = None, idempotency_key: str | None = None
    ) -> ActionAccepted:
        """Ask for a look at all deployments of the environment in one run."""
        body = ActionIn(type=ActionType.ENVIRONMENT_STATUS, timeout_seconds=timeout_seconds)
        path = f"predictionEnvironments/{segment(environment_id)}/actions/"
        return self._transport.ask("POST", path, body=body, idempotency_key=idempotency_key)
