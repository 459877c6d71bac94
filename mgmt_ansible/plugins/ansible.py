"""Environments whose hosts Ansible reaches: plan by inventory, one run a wave, stop what a broken run left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import CHANGING, NEEDS_PACKAGE, ActionSpec, Claim
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.outcomes import FINE
from mgmt_ansible.domain.plans import Plan, Wave, plan_action
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunRequest, RunStatus
from mgmt_ansible.domain.verdicts import after_cancel
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.ports import CancelSignal, Inventory, Plugin, ProgressSink, Workers
from mgmt_ansible.rendering.runs import render_cancel, render_look, render_run

_log = structlog.get_logger()


class AnsiblePlugin:
    """Performs actions through Ansible."""

    def __init__(
        self,
        *,
        bindings: Mapping[str, EnvironmentBinding],
        inventory: Inventory,
        workers: Workers,
        make_id: Callable[[], str] = make_id,
    ) -> None:
        """Take what performing needs.

        Args:
            bindings: Environment id -> binding.
            inventory: Resolves the bindings' patterns.
            workers: Executes runs.
            make_id: Makes run ids.
        """
        self._bindings = bindings
        self._inventory = inventory
        self._workers = workers
        self._make_id = make_id

    def plan(self, spec: ActionSpec) -> Plan:
        """Put every host of the environment into one wave; no hosts gives no waves.

        Raises:
            InventoryError: Ansible could not read the inventory.
            PluginError: The environment is not one of this agent, or may not serve the package's runtime.
        """
        _refuse_runtime(spec, self._binding(spec))
        return plan_action(spec, tuple(host.name for host in self._inventory.resolve(spec.environment_id)))

    def perform(
        self, claim: Claim, plan: Plan, progress: ProgressSink, cancel: CancelSignal
    ) -> tuple[tuple[RunRequest, RunOutcome], ...]:
        """Run wave after wave; a wave that is not fine is the last one.

        Raises:
            ExecutionError: A run could not be executed at all.
            RenderError: The action cannot be rendered.
            PluginError: The environment is not one of this agent.
        """
        done: list[tuple[RunRequest, RunOutcome]] = []
        for wave in plan.waves:
            if cancel.reason() is not None:
                break
            request, outcome = self._perform_wave(claim, wave, progress, cancel)
            done.append((request, outcome))
            if not all(host.outcome in FINE for host in outcome.hosts.values()):
                break
        return tuple(done)

    def _perform_wave(
        self, claim: Claim, wave: Wave, progress: ProgressSink, cancel: CancelSignal
    ) -> tuple[RunRequest, RunOutcome]:
        binding = self._binding(claim.spec)
        request = render_run(
            claim.spec, attempt=claim.attempt, hosts=wave.hosts, run_id=self._make_id(), binding=binding
        )
        progress.began(request)
        outcome = self._workers.submit(request, progress, cancel)
        if claim.spec.type in CHANGING and _was_ended(outcome, cancel):
            return request, self._stop_holder(claim, wave, outcome)
        return request, outcome

    def observe(self, claim: Claim, hosts: Sequence[str], cancel: CancelSignal, *, wait_seconds: float) -> RunOutcome:
        """Ask hosts how a claim's changing action ended there; see the port.

        Raises:
            ExecutionError: The run could not be executed at all.
            PluginError: The environment is not one of this agent.
        """
        request = render_look(
            claim.spec,
            attempt=claim.attempt,
            hosts=tuple(hosts),
            run_id=self._make_id(),
            binding=self._binding(claim.spec),
            wait_seconds=wait_seconds,
        )
        return self._workers.submit(request, _Deaf(), cancel)

    def cancel(self, claim: Claim, hosts: Sequence[str]) -> RunOutcome:
        """Stop what works for a claim; see the port.

        Raises:
            ExecutionError: The run could not be executed at all.
            PluginError: The environment is not one of this agent.
        """
        request = render_cancel(
            claim.spec,
            attempt=claim.attempt,
            hosts=tuple(hosts),
            run_id=self._make_id(),
            binding=self._binding(claim.spec),
        )
        return self._workers.submit(request, _Deaf(), _Never())

    def _stop_holder(self, claim: Claim, wave: Wave, outcome: RunOutcome) -> RunOutcome:
        """Stop on the hosts what outlived its run: a killed ssh does not end the command behind it."""
        try:
            stopped = self.cancel(claim, wave.hosts)
        except Exception as exc:  # noqa: BLE001 - whatever breaks the second run, what the first one did must be told
            _log.warning("cancel_failed", action_id=claim.spec.id, error=str(exc), kind=type(exc).__name__)
            return replace(outcome, message=f"{outcome.message}; what runs on the hosts could not be stopped: {exc}")
        left = [host.host for host in stopped.hosts.values() if host.outcome not in FINE]
        _log.info("run_stopped_on_hosts", action_id=claim.spec.id, run_id=outcome.run_id, not_stopped_on=left)
        ending = f"not stopped on {', '.join(left)}" if left else f"stopped on {len(stopped.hosts)} hosts"
        hosts = {name: after_cancel(host, stopped.hosts.get(name)) for name, host in outcome.hosts.items()}
        return replace(outcome, hosts=hosts, message=f"{outcome.message}; {ending}".lstrip("; "))

    def _binding(self, spec: ActionSpec) -> EnvironmentBinding:
        try:
            return self._bindings[spec.environment_id]
        except KeyError as exc:
            raise errors.PluginError(
                f"ansible: environment {spec.environment_id} is not served (action {spec.id})"
            ) from exc


def _refuse_runtime(spec: ActionSpec, binding: EnvironmentBinding) -> None:
    package = spec.deployment.package if spec.deployment else None
    if (spec.would or spec.type) in NEEDS_PACKAGE and package is not None and package.runtime not in binding.runtimes:
        raise errors.PluginError(
            f"ansible: environment {spec.environment_name} may not serve runtime {package.runtime}: what its packages bring "
            f"would run as the hosts' account; who wants that adds it to environments/N/runtimes of the agent's configuration"
        )


def _was_ended(outcome: RunOutcome, cancel: CancelSignal) -> bool:
    """Tell whether a run was ended by will or by the clock, so that what it began shall end on its hosts too.

    Not when the claim is somebody else's, whose fence does it; not when the agent leaves, as the next claim takes the work
    over; and not when the runner broke, which is settled by looking.
    """
    if outcome.status is RunStatus.CANCELED:
        return cancel.reason() == "canceled"
    return outcome.status is RunStatus.TIMEOUT and cancel.reason() not in ("claim_lost", "shutdown")


class _Never:
    """A cancel signal for runs that must end by themselves."""

    def reason(self) -> str | None:
        return None


class _Deaf:
    """A progress sink for runs that are nobody's progress."""

    def began(self, request: RunRequest) -> None:
        _log.debug("run_began", run_id=request.run_id)

    def log(self, run_id: str, lines: Sequence[str]) -> None:
        _log.debug("run_log", run_id=run_id, lines=len(lines))

    def progress(self, progress: RunProgress) -> None:
        _log.debug("run_progress", run_id=progress.run_id, step=progress.step)


_conforms: type[Plugin] = AnsiblePlugin
