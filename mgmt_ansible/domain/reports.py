"""Reports: what an agent tells the control plane, as plain values (their JSON is `wire/agent_v1`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.preflight import HostReport
from mgmt_ansible.domain.runs import RunOutcome, RunProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHello:
    """An agent says who it is.

    Attributes:
        instance_id: New for every start of the process.
        agent_id: Of the agent's data directory, the same after a restart: claims of its former instances are dead by now.
            Empty from an agent that does not tell.
        version: Of this package.
        environment_ids: What it serves.
    """

    instance_id: str
    version: str
    environment_ids: tuple[str, ...]
    agent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """Ask for one action.

    Attributes:
        wait_seconds: At most 30.
        capabilities: Words of `domain.capabilities`; what is unknown to the control plane is ignored. None from an agent that does
            not tell: it is handed what every agent knows.
    """

    instance_id: str
    environment_ids: tuple[str, ...]
    wait_seconds: float = 0.0
    agent_id: str = ""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The claim with this attempt is alive; as the body of `release`: it is given back."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAnswer:
    """What the control plane says back; `cancel_requested` asks to stop the work."""

    expires_at: datetime
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """Where a run of an action is."""

    kind: Literal["progress"] = "progress"
    id: str
    action_id: str
    attempt: int
    progress: RunProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """Lines of a run's log while it goes on; the first one of a run tells that it has begun.

    Attributes:
        started_at: When the run began; aware, UTC.
        first: Number of the first line; see `domain.run_logs`.
        lines: Redacted, without line feeds; none when there is nothing to say but that the run began.
    """

    kind: Literal["log"] = "log"
    id: str
    action_id: str
    attempt: int
    run_id: str
    playbook: str
    started_at: datetime
    first: int = 1
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run ended; `request_hash` lets `run export` prove that it renders the same."""

    kind: Literal["run"] = "run"
    id: str
    action_id: str
    attempt: int
    wave: int
    playbook: str
    request_hash: str
    outcome: RunOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultReport:
    """An action ended.

    Attributes:
        status: Final: succeeded, failed, canceled, superseded or unknown.
        outcome: The worst of the hosts'.
        health: Judgement of the deployment; None for `environment_status`, whose deployments are judged one by one
            from the observations in `hosts`.
        hosts: Every host of the plan.
        finished_at: Aware, UTC.
    """

    kind: Literal["result"] = "result"
    id: str
    action_id: str
    attempt: int
    status: ActionStatus
    outcome: Outcome
    cause: Cause | None = None
    health: Health | None = None
    message: str = ""
    hosts: tuple[HostOutcome, ...] = ()
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsReport:
    """A read-only snapshot of the hosts that an environment's pattern matches."""

    kind: Literal["hosts"] = "hosts"
    id: str
    environment_id: str
    hosts: tuple[InventoryHost, ...]
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport:
    """What a look at some of an environment's hosts found before anything is run on them; advice, never a verdict.

    Attributes:
        hosts: Of this environment.
        taken_at: When the look ended; aware, UTC.
    """

    kind: Literal["preflight"] = "preflight"
    id: str
    environment_id: str
    hosts: tuple[HostReport, ...]
    taken_at: datetime


Report = ProgressReport | LogReport | RunReport | ResultReport | HostsReport | PreflightReport
"""Each has an `id` of its own, by which the receiver knows it again."""
