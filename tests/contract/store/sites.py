"""A site: the services over one database, with an environment, two packages and an agent, and a clock that we move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import argon2

from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.notifying.apprise_channels import SCHEMES
from mgmt_ansible.control_plane.notifying.options import NotifyingOptions
from mgmt_ansible.control_plane.notifying.sending import Outside
from mgmt_ansible.control_plane.package_files import PackageFiles
from mgmt_ansible.control_plane.passwords import Passwords
from mgmt_ansible.control_plane.services import build_services
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.actions import ActionStatus, ActionType, Claim
from mgmt_ansible.domain.capabilities import OURS
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import HostOutcome, Identity, Observation, Outcome
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest, ResultReport, RunReport
from mgmt_ansible.domain.runs import RunOutcome, RunStatus
from mgmt_ansible.wire import api_v2

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
START = datetime(2026, 11, 1, tzinfo=UTC)


class MovingClock:
    """Tells the time that a test says it is."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class ScriptedContents:
    """A reader's answer: any bytes are a package whose digest is their sha256."""

    def __init__(self, path: Path) -> None:
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.runtime = "onnx"


def notifying_here(folder: Path, **outside: object) -> NotifyingOptions:
    """Return options that reach this machine only."""
    given = {"timeout_seconds": 60.0, "networks": ("127.0.0.0/8",), "schemes": SCHEMES, **outside}
    return NotifyingOptions(key_file=folder / "notifications.key", outside=Outside(**given))


class Site:
    """What a test does to a control plane."""

    def __init__(self, url: str, folder: Path, notifying: NotifyingOptions | None = None) -> None:
        self.clock = MovingClock()
        self.store = Store(url, clock=self.clock)
        files = PackageFiles(folder / "packages", max_bytes=1_000_000)
        files.prepare()
        self.services = build_services(
            self.store,
            files,
            ScriptedContents,
            passwords=Passwords(CHEAP),
            notifying=notifying or notifying_here(folder),
        )
        self.environment = self.add_environment("prod")
        self.package = self.add_package("fraud", "1")
        self.newer = self.add_package("fraud", "2")
        self.agent = self.add_agent("agent", self.environment.id)
        self.asker = Asker(actor="ann")
        self._reports = 0

    def add_environment(self, name: str, interval: float = 60) -> api_v2.PredictionEnvironment:
        body = api_v2.PredictionEnvironmentIn(name=name, status_interval_seconds=interval)
        return self.services.registry.create_environment(body)

    def add_package(self, name: str, version: str) -> api_v2.ModelPackage:
        receiver = self.services.registry.receive_archive()
        receiver.write(f"{name} {version}".encode())
        package, _ = self.services.registry.add_package(name=name, version=version, archive=receiver.finish())
        receiver.discard()
        return package

    def add_agent(self, name: str, *environment_ids: str) -> Principal:
        access = self.services.access
        token = access.create_token(name=name, kind="agent", environment_ids=environment_ids)
        principal = access.authenticate(f"Bearer {token.token}")
        hello = AgentHello(instance_id="one", version="0.1", environment_ids=environment_ids)
        self.services.agents.hello(principal, hello)
        return principal

    def create(self, deployment_id: str = "d1", *, launch: bool = True, key: str | None = None, **more: object) -> str:
        body = api_v2.DeploymentIn(
            model_package_id=self.package.id,
            label=f"Label of {deployment_id}",
            prediction_environment_id=self.environment.id,
            deployment_id=deployment_id,
            launch=launch,
            **more,
        )
        accepted = self.services.deployments.create(body, Asker(actor="ann", idempotency_key=key))
        return accepted.action_id or ""

    def act(self, action_type: ActionType, deployment_id: str = "d1", key: str | None = None) -> str:
        asker = Asker(actor="ann", idempotency_key=key)
        accepted = self.services.deployments.act(deployment_id, api_v2.ActionIn(type=action_type), asker)
        return accepted.action_id or ""

    def replace(self, deployment_id: str = "d1") -> str:
        body = api_v2.ModelReplacement(model_package_id=self.newer.id)
        return self.services.deployments.replace_model(deployment_id, body, self.asker).action_id or ""

    def claim(self, principal: Principal | None = None, capabilities: Iterable[str] = OURS) -> Claim | None:
        principal = principal or self.agent
        request = ClaimRequest(
            instance_id="one", environment_ids=principal.environment_ids, capabilities=tuple(capabilities)
        )
        return self.services.agents.claim(principal, request)

    def take(self) -> Claim:
        claim = self.claim()
        assert claim is not None
        return claim

    def report(self, claim: Claim, status: ActionStatus = ActionStatus.SUCCEEDED, **more: object) -> ResultReport:
        """Report a claim's result; return the report, so that it can be sent again."""
        report = self.result(claim, status, **more)
        self.services.agents.report(self.agent, [report])
        return report

    def result(self, claim: Claim, status: ActionStatus = ActionStatus.SUCCEEDED, **more: object) -> ResultReport:
        self._reports += 1
        fine = status is ActionStatus.SUCCEEDED
        values: dict[str, object] = {
            "id": f"report-{self._reports}",
            "action_id": claim.spec.id,
            "attempt": claim.attempt,
            "status": status,
            "outcome": Outcome.CHANGED if fine else Outcome.FAILED,
            "health": Health.PASSING if fine else Health.FAILING,
            "hosts": (HostOutcome(host="h1", outcome=Outcome.CHANGED, identity=self.identity(claim)),) if fine else (),
            "finished_at": self.clock(),
            **more,
        }
        return ResultReport(**values)

    def run_report(self, claim: Claim, run_id: str) -> RunReport:
        self._reports += 1
        outcome = RunOutcome(
            run_id=run_id,
            status=RunStatus.SUCCESSFUL,
            started_at=self.clock(),
            ended_at=self.clock(),
            ansible_version="2.19",
        )
        return RunReport(
            id=f"report-{self._reports}",
            action_id=claim.spec.id,
            attempt=claim.attempt,
            wave=0,
            playbook=claim.spec.type.value,
            request_hash="0",
            outcome=outcome,
        )

    def identity(self, claim: Claim | None = None, digest: str | None = None) -> Identity:
        package = claim.spec.deployment.package if claim and claim.spec.deployment else None
        return Identity(
            digest=digest or (package.digest if package else self.package.digest),
            generation=1,
            slot="a",
            port=8000,
            pid=77,
            start_time=99,
            url="http://127.0.0.1:8000/v2/models/m/infer",
        )

    def run(self) -> Claim:
        """Claim what is next and report that it succeeded."""
        claim = self.take()
        self.report(claim)
        return claim

    def ready(self, deployment_id: str = "d1", **more: object) -> api_v2.Deployment:
        self.create(deployment_id, **more)
        self.run()
        return self.deployment(deployment_id)

    def look(self, **observed: Observation) -> Claim:
        """Let the interval pass, claim the periodic status, and report what one host observed."""
        self.clock.pass_seconds(61)
        claim = self.take()
        assert claim.spec.type is ActionType.ENVIRONMENT_STATUS
        self.report(claim, health=None, outcome=Outcome.OK, hosts=(self.seen(**observed),))
        return claim

    def seen(self, **observed: Observation) -> HostOutcome:
        return HostOutcome(host="h1", outcome=Outcome.OK, observations=observed)

    def sight(self, state: str, outcome: Outcome = Outcome.OK, deployment_id: str = "d1") -> Observation:
        identity = self.identity() if state == "running" else None
        return Observation(deployment_id=deployment_id, outcome=outcome, state=state, identity=identity)

    def deployment(self, deployment_id: str = "d1") -> api_v2.Deployment:
        return self.services.deployments.get_deployment(deployment_id)

    def action(self, action_id: str) -> api_v2.Action:
        return self.services.actions.get_action(action_id)

    def event_types(self, deployment_id: str | None = "d1") -> list[str]:
        """Return the last words of the feed's types, oldest first."""
        entries = self.services.deployment_events.list_events(EventFilters(deployment_id=deployment_id), limit=500).data
        return [entry.type.partition(".")[2] for entry in reversed(entries)]
