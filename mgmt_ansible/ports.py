"""Ports: every interface that the use cases see, a sentence each. Adapters satisfy them by shape."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mgmt_ansible.domain.actions import ActionSpec, Claim
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.plans import Plan
from mgmt_ansible.domain.reports import AgentHello, HeartbeatAnswer, Report
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunRequest


class Clock(Protocol):
    """Tells and spends time."""

    def now(self) -> datetime:
        """Return the aware UTC time."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block for that long, or until the process is asked to stop."""
        ...


class CancelSignal(Protocol):
    """Tells a run that it should end."""

    def reason(self) -> str | None:
        """Return None to go on, else `canceled`, `claim_lost` or `shutdown`."""
        ...


class ProgressSink(Protocol):
    """Takes what is known of runs while they go on; never blocks and never raises."""

    def began(self, request: RunRequest) -> None:
        """Take that a run begins."""
        ...

    def log(self, run_id: str, lines: Sequence[str]) -> None:
        """Take the next lines of a run's log, redacted and without line feeds."""
        ...

    def progress(self, progress: RunProgress) -> None:
        """Take one step."""
        ...


class Workers(Protocol):
    """Executes runs, somewhere."""

    def submit(self, request: RunRequest, progress: ProgressSink, cancel: CancelSignal) -> RunOutcome:
        """Execute a run and block until it is final.

        A failed, canceled or timed-out run is a RunOutcome.

        Raises:
            ExecutionError: The run could not be executed at all.
        """
        ...


class Inventory(Protocol):
    """The user's inventory, as Ansible itself reads it."""

    def resolve(self, environment_id: str) -> tuple[InventoryHost, ...]:
        """Return the hosts that the binding's pattern matches, in inventory order, without groups; may be empty.

        Raises:
            InventoryError: Ansible could not read the inventory.
        """
        ...

    def snapshot(self, environment_id: str) -> tuple[InventoryHost, ...]:
        """Return the same hosts with their groups; slower, for people to look at.

        Raises:
            InventoryError: Ansible could not read the inventory.
        """
        ...


class PackageCache(Protocol):
    """Model package archives on the agent's machine, checked."""

    def fetch(self, package: ModelPackage, cancel: CancelSignal) -> Path | None:
        """Return the path of the package's archive, downloading it at most once.

        None when the signal gave a reason first, which is looked at every other second however slowly octets come;
        what came is kept for the next fetch.

        Raises:
            ArchiveError: What came is not what the digests say.
            ControlPlaneUnavailableError: It could not be downloaded.
        """
        ...


class ReportSpool(Protocol):
    """Reports on their way to the control plane: fsynced, in order, each delivered once."""

    def put(self, report: Report) -> None:
        """Store a report durably; it is sent in the background.

        Raises:
            StoreError: The disk refused.
        """
        ...

    def has_room(self) -> bool:
        """Tell whether the results of new work could be stored."""
        ...

    def hurry(self) -> None:
        """Deliver now what waits for the control plane's return: it answers."""
        ...

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything is delivered; False when the time was over first."""
        ...


class ControlPlane(Protocol):
    """The agent's side of `/agent/v1`."""

    def hello(self, hello: AgentHello) -> None:
        """Announce the agent and its environments."""
        ...

    def claim(self, environment_ids: Sequence[str], *, wait_seconds: float) -> Claim | None:
        """Claim one action, waiting at most that long for one.

        Raises:
            ControlPlaneUnavailableError: Try again later.
        """
        ...

    def heartbeat(self, action_id: str, attempt: int) -> HeartbeatAnswer:
        """Say that the claim is alive.

        Raises:
            ClaimLostError: Somebody else holds the action.
            ControlPlaneUnavailableError: Try again later; the claim may still be ours.
        """
        ...

    def release(self, action_id: str, attempt: int) -> None:
        """Give a claim back: it expires now and is offered again.

        Raises:
            ClaimLostError: Somebody else holds the action.
            ControlPlaneUnavailableError: It expires by itself.
        """
        ...

    def send(self, reports: Sequence[Report]) -> None:
        """Deliver reports in order; those delivered before are ignored by the receiver."""
        ...


class Plugin(Protocol):
    """Performs actions in one kind of environment."""

    def plan(self, spec: ActionSpec) -> Plan:
        """Say who gets what in which order, without touching hosts."""
        ...

    def perform(
        self, claim: Claim, plan: Plan, progress: ProgressSink, cancel: CancelSignal
    ) -> tuple[tuple[RunRequest, RunOutcome], ...]:
        """Do it, wave after wave; one run a wave, in order."""
        ...

    def observe(self, claim: Claim, hosts: Sequence[str], cancel: CancelSignal, *, wait_seconds: float) -> RunOutcome:
        """Ask hosts, without changing them, how a claim's changing action ended there.

        A host waits at most `wait_seconds` while somebody works for this or an earlier claim of it.
        """
        ...

    def cancel(self, claim: Claim, hosts: Sequence[str]) -> RunOutcome:
        """Stop on hosts whatever works for this or an earlier claim of its action, and say what serves then."""
        ...
