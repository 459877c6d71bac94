"""Scripted ports: what they answer is said beforehand, what they were told is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionSpec, ActionType, Claim
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.domain.plans import Plan, plan_action
from mgmt_ansible.domain.reports import AgentHello, HeartbeatAnswer, Report, ResultReport
from mgmt_ansible.domain.runs import RunOutcome, RunRequest, RunStatus
from mgmt_ansible.ports import CancelSignal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT = "e" * 24
PACKAGE = ModelPackage(
    id="c" * 24,
    name="churn",
    version="1",
    digest="d" * 64,
    archive_sha256="f" * 64,
    archive_bytes=10,
    runtime=Runtime.ONNX,
)


def make_spec(action_type: ActionType = ActionType.DEPLOYMENT_LAUNCH, **fields: object) -> ActionSpec:
    values: dict[str, object] = {
        "id": "a" * 24,
        "type": action_type,
        "environment_id": ENVIRONMENT,
        "environment_name": "test",
        "deployment": DeploymentTarget(id="churn", label="Churn", generation=1, package=PACKAGE),
        "requested_at": NOW,
    }
    return ActionSpec(**{**values, **fields})  # type: ignore[arg-type]


def make_claim(spec: ActionSpec | None = None, *, attempt: int = 1, heartbeat_seconds: float = 60.0) -> Claim:
    return Claim(spec=spec or make_spec(), attempt=attempt, expires_at=NOW, heartbeat_seconds=heartbeat_seconds)


def make_outcome(*hosts: HostOutcome, status: RunStatus = RunStatus.SUCCESSFUL) -> RunOutcome:
    return RunOutcome(
        run_id="b" * 24, status=status, hosts={host.host: host for host in hosts}, started_at=NOW, ended_at=NOW
    )


class FixedClock:
    """Stands still but for what is slept."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class ScriptedControlPlane:
    """Hands out claims one after the other, then asks the agent to stop."""

    def __init__(
        self,
        claims: Iterable[Claim | Exception] = (),
        *,
        stop: threading.Event | None = None,
        greetings: Iterable[Exception] = (),
        beat: Callable[[], HeartbeatAnswer] | None = None,
    ) -> None:
        self._claims = list(claims)
        self._greetings = list(greetings)
        self._stop = stop
        self._beat = beat
        self._lock = threading.Lock()
        self.hellos: list[AgentHello] = []
        self.released: list[tuple[str, int]] = []
        self.beats = 0

    def hello(self, hello: AgentHello) -> None:
        if self._greetings:
            raise self._greetings.pop(0)
        self.hellos.append(hello)

    def claim(self, environment_ids: Sequence[str], *, wait_seconds: float) -> Claim | None:
        with self._lock:
            if not self._claims:
                if self._stop is not None:
                    self._stop.set()
                return None
            answer = self._claims.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def heartbeat(self, action_id: str, attempt: int) -> HeartbeatAnswer:
        self.beats += 1
        return self._beat() if self._beat is not None else HeartbeatAnswer(expires_at=NOW)

    def release(self, action_id: str, attempt: int) -> None:
        self.released.append((action_id, attempt))

    def send(self, reports: Sequence[Report]) -> None:
        raise AssertionError("the spool sends, not the agent")


class ListSpool:
    """Keeps reports, but for those of the kinds that it refuses."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.refused: set[str] = set()
        self.room = True
        self.hurries = 0
        self.flushes = 0

    def has_room(self) -> bool:
        return self.room

    def hurry(self) -> None:
        self.hurries += 1

    def flush(self, *, timeout_seconds: float) -> bool:
        self.flushes += 1
        return True

    def put(self, report: Report) -> None:
        if report.kind in self.refused:
            raise errors.StoreError("the disk is full")
        self.reports.append(report)

    @property
    def results(self) -> list[ResultReport]:
        return [report for report in self.reports if isinstance(report, ResultReport)]


class ScriptedPlugin:
    """Plans fixed hosts and performs what it is told."""

    def __init__(
        self,
        hosts: tuple[str, ...] = ("h1",),
        perform: Callable[..., RunOutcome] | None = None,
        looks: Iterable[Mapping[str, HostOutcome] | Exception] = (),
        cancels: Iterable[HostOutcome] = (),
    ) -> None:
        self._hosts = hosts
        self._perform = perform
        self._looks = list(looks)
        self._cancels = list(cancels)
        self.performed: list[tuple[str, ...]] = []
        self.looked: list[tuple[tuple[str, ...], float]] = []
        self.canceled: list[tuple[str, ...]] = []

    def plan(self, spec: ActionSpec) -> Plan:
        return plan_action(spec, self._hosts)

    def perform(self, claim, plan, progress, cancel):
        if not plan.waves or cancel.reason() is not None:
            return ()
        self.performed.append(plan.hosts)
        request = RunRequest(
            run_id="b" * 24,
            action_id=claim.spec.id,
            environment_id=claim.spec.environment_id,
            playbook=claim.spec.type.value,
            hosts=plan.hosts,
            variables={},
        )
        if self._perform is not None:
            return ((request, self._only(plan.hosts, self._perform(progress, cancel))),)
        return ((request, make_outcome(*(HostOutcome(host=host, outcome=Outcome.CHANGED) for host in plan.hosts))),)

    def observe(self, claim, hosts, cancel, *, wait_seconds):
        self.looked.append((tuple(hosts), wait_seconds))
        answer = self._looks.pop(0) if self._looks else {}
        if isinstance(answer, Exception):
            raise answer
        nothing = {host: HostOutcome(host=host, outcome=Outcome.UNREACHABLE, cause=Cause.UNREACHABLE) for host in hosts}
        return make_outcome(*(answer.get(host, nothing[host]) for host in hosts))

    def cancel(self, claim, hosts):
        self.canceled.append(tuple(hosts))
        return make_outcome(*self._cancels)

    @staticmethod
    def _only(hosts: tuple[str, ...], outcome: RunOutcome) -> RunOutcome:
        return replace(outcome, hosts={name: host for name, host in outcome.hosts.items() if name in hosts})


class ScriptedCache:
    """Has every package, but for the errors that come first; a `waits` lasts until the signal has a reason."""

    def __init__(
        self,
        failures: Iterable[errors.MgmtAnsibleError] = (),
        *,
        asked: Callable[[], None] = lambda: None,
        waits: Callable[[CancelSignal], None] | None = None,
    ) -> None:
        self._failures = list(failures)
        self._asked = asked
        self._waits = waits
        self.fetched: list[ModelPackage] = []

    def fetch(self, package: ModelPackage, cancel: CancelSignal) -> Path | None:
        self._asked()
        if self._failures:
            raise self._failures.pop(0)
        if self._waits is not None:
            self._waits(cancel)
            return None
        self.fetched.append(package)
        return Path("/cache") / package.archive_sha256


class ScriptedInventory:
    """Has fixed hosts, or an error."""

    def __init__(self, hosts: tuple[InventoryHost, ...] = (), error: Exception | None = None) -> None:
        self._hosts = hosts
        self._error = error

    def resolve(self, environment_id: str) -> tuple[InventoryHost, ...]:
        if self._error is not None:
            raise self._error
        return self._hosts

    def snapshot(self, environment_id: str) -> tuple[InventoryHost, ...]:
        return self.resolve(environment_id)
