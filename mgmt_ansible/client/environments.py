"""Prediction environments, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.wire.api_v2 import (
    ActionAccepted,
    ActionIn,
    AgentInvitation,
    AgentInvitationIn,
    EnvironmentHost,
    HostCheck,
    ManagedBy,
    Platform,
    PredictionEnvironment,
    PredictionEnvironmentIn,
    PredictionEnvironmentPatch,
)
from mgmt_ansible.wire.orphans import Orphan


class Environments:
    """Verbs on prediction environments."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_environments(
        self, *, search: str | None = None, platform: Platform | None = None, managed_by: ManagedBy | None = None
    ) -> Iterator[PredictionEnvironment]:
        """Yield environments by name, page after page.

        Args:
            search: Only with this text in name, description or id.
            platform: Only of this platform.
            managed_by: Only those that agents act on, or only the others.
        """
        query = {"search": search, "platform": platform, "managedBy": managed_by}
        return self._transport.pages(PredictionEnvironment, "predictionEnvironments/", query)

    def get_environment(self, environment_id: str) -> PredictionEnvironment:
        """Return one environment; NotFoundError without it."""
        return self._transport.get(PredictionEnvironment, f"predictionEnvironments/{segment(environment_id)}/")

    def create_environment(self, environment: PredictionEnvironmentIn) -> PredictionEnvironment:
        """Create an environment; ConflictError when the name is taken."""
        return self._transport.send(PredictionEnvironment, "POST", "predictionEnvironments/", body=environment)

    def change_environment(self, environment_id: str, change: PredictionEnvironmentPatch) -> PredictionEnvironment:
        """Change an environment; fields that are None stay; ConflictError while an agent is at work that shall leave."""
        path = f"predictionEnvironments/{segment(environment_id)}/"
        return self._transport.send(PredictionEnvironment, "PATCH", path, body=change)

    def delete_environment(self, environment_id: str) -> None:
        """Delete an environment; InvalidRequestError while deployments use it, GoneError when it was deleted before."""
        self._transport.read("DELETE", f"predictionEnvironments/{segment(environment_id)}/")

    def list_hosts(self, environment_id: str) -> Iterator[EnvironmentHost]:
        """Yield the agent's last snapshot of the environment's hosts, in inventory order."""
        return self._transport.pages(EnvironmentHost, f"predictionEnvironments/{segment(environment_id)}/hosts/")

    def list_checks(self, environment_id: str) -> Iterator[HostCheck]:
        """Yield what the newest look at each host found, hosts on which a run would fail first."""
        return self._transport.pages(HostCheck, f"predictionEnvironments/{segment(environment_id)}/hostChecks/")

    def list_orphans(self, environment_id: str) -> Iterator[Orphan]:
        """Yield what lies on its hosts and is no deployment here, as the newest looks saw it; what runs comes first."""
        return self._transport.pages(Orphan, f"predictionEnvironments/{segment(environment_id)}/orphans/")

    def invite_agent(
        self, environment_id: str, agent_name: str, *, control_plane_url: str | None = None
    ) -> AgentInvitation:
        """Make a one-time code for a new agent of the environment.

        Args:
            environment_id: What the agent may serve.
            agent_name: By which it will be listed.
            control_plane_url: How its machine reaches the control plane; None means as this client does.
        """
        body = AgentInvitationIn(agent_name=agent_name, control_plane_url=control_plane_url or self._transport.url)
        path = f"predictionEnvironments/{segment(environment_id)}/agentInvitations/"
        return self._transport.send(AgentInvitation, "POST", path, body=body)

    def ask_status(
        self, environment_id: str, *, timeout_seconds: float | None = None, idempotency_key: str | None = None
    ) -> ActionAccepted:
        """Ask for a look at all deployments of the environment in one run."""
        body = ActionIn(type=ActionType.ENVIRONMENT_STATUS, timeout_seconds=timeout_seconds)
        path = f"predictionEnvironments/{segment(environment_id)}/actions/"
        return self._transport.ask("POST", path, body=body, idempotency_key=idempotency_key)
