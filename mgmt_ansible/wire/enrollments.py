"""`/api/v2` and `/install`: how a new agent is invited, and comes."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.wire.basics import WireModel


class AgentInvitationIn(WireModel):
    """Body of `POST predictionEnvironments/{id}/agentInvitations/`.

    `agent_name` is by what the agent is listed; `control_plane_url` is how its machine reaches the control plane: without
    it as whoever asks does.
    """

    agent_name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._@ -]+$")
    control_plane_url: str | None = Field(default=None, max_length=2_000, pattern=r"^https?://[^\s/?#'\"]+[^\s?#'\"]*$")


class AgentInvitation(WireModel):
    """How to install an agent for an environment; `code` is told this once, and is good once and until `expires_at`.

    `commands` are what to type on the agent's machine, one after the other; the last one asks for the code.
    """

    code: str
    expires_at: datetime
    agent_name: str
    prediction_environment_id: str
    wheel_url: str
    wheel_sha256: str
    commands: list[str]
    configuration: str


class AgentEnrollmentIn(WireModel):
    """Body of `POST /install/agent`."""

    code: str = Field(min_length=1, max_length=200)


class AgentEnrollment(WireModel):
    """What an agent gets for its code: its name, its token, and the environment that it may serve."""

    agent_name: str
    token: str
    prediction_environment_id: str
    prediction_environment_name: str
