"""What rules need to know of a stored thing beyond its wire shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mgmt_ansible.domain.actions import CHANGING, FINAL, ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState, DeploymentTarget
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire.api_v2 import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """An environment as rules see it; one that is not `managed` is its owners' own: no agent acts on it."""

    id: str
    name: str
    managed: bool
    status_interval_seconds: float
    status_requested_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord:
    """A deployment as rules see it.

    Attributes:
        package: What should serve when `wanted_running`.
        generation: Of the newest accepted change; 0 when nothing was ever asked of a host.
        forget_when_stopped: It is being deleted.
        health: What the agent said last; what is shown may be worse, as monitors may have said worse.
        health_since: When that last became another; None when it never did.
    """

    id: str
    label: str
    environment_id: str
    environment_name: str
    environment_managed: bool
    package: ModelPackage
    wanted_running: bool
    forget_when_stopped: bool
    generation: int
    state: DeploymentState
    port: int | None
    health: Health
    health_message: str
    health_since: datetime | None
    endpoints: tuple[Endpoint, ...]

    @property
    def target(self) -> DeploymentTarget:
        """What hosts should have now."""
        return DeploymentTarget(
            id=self.id,
            label=self.label,
            generation=self.generation,
            package=self.package if self.wanted_running else None,
            port=self.port,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What a deployment was before an action, to return to when the action is canceled before it began."""

    state: DeploymentState
    package_id: str
    wanted_running: bool
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRecord:
    """An agent that may come with a one-time code.

    Attributes:
        agent_name: Of the token that it will get.
        invited_by: Who made the code.
    """

    environment_id: str
    agent_name: str
    invited_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a claim.

    Attributes:
        agent: Name of its token.
        agent_id: Of its data folder, the same after a restart; empty for one that tells none.
        instance_id: Of its process.
    """

    agent: str
    agent_id: str
    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """An action as rules see it.

    Attributes:
        attempt: Number of its newest claim; 0 before the first.
        agent: Who made that claim.
        expires_at: Until when that claim holds; None while running: it was released, and is nobody's.
    """

    id: str
    type: ActionType
    status: ActionStatus
    environment_id: str
    deployment_id: str | None
    generation: int | None
    spec: ActionSpec
    attempt: int
    agent: str | None
    started_at: datetime | None
    expires_at: datetime | None
    cancel_requested: bool
    requested_by: str
    idempotency_request: str | None
    prior: Prior | None
    progress: str = ""

    @property
    def changing(self) -> bool:
        """Whether it changes hosts."""
        return self.type in CHANGING

    @property
    def final(self) -> bool:
        """Whether its status is one that it does not leave."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user as rules see it.

    Attributes:
        password_hash: As `passwords` made it; None when only tokens and links let this user in.
        environment_ids: All that this user sees; empty is everything.
    """

    id: str
    name: str
    password_hash: str | None
    role: Role
    environment_ids: tuple[str, ...]
    disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token that is not revoked, as rules see it.

    Attributes:
        kind: `user` or `agent`.
        role: None for an agent.
        environment_ids: What an agent may serve, or all that a person's token sees; of the latter, empty is everything.
        user: Whose token it is; None for an agent's and for a service's.
    """

    id: str
    name: str
    kind: str
    role: Role | None
    environment_ids: tuple[str, ...]
    user: UserRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session: of a token or of a user, never of both."""

    token: TokenRecord | None
    user: UserRecord | None
    seen_at: datetime
