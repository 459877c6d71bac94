"""The Ansible plugin over scripted workers: waves, and stopping what a broken run left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import NEEDS_PACKAGE, ActionType, DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding, InventoryHost
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.outcomes import Evidence, HostOutcome, Identity, Outcome
from mgmt_ansible.domain.plans import Plan, Wave
from mgmt_ansible.domain.runs import RunProgress, RunRequest, RunStatus
from mgmt_ansible.plugins.ansible import AnsiblePlugin
from tests.unit.agent.scripted import ENVIRONMENT, PACKAGE, ScriptedInventory, make_claim, make_outcome, make_spec

BINDINGS = {ENVIRONMENT: EnvironmentBinding(environment_id=ENVIRONMENT, inventory=PurePath("/hosts"))}
OLD_MODEL = Identity(digest="d" * 64, generation=1, slot="a", port=8080, pid=7, start_time=9, url="http://h:8080")
HOSTS = (InventoryHost(name="h1"), InventoryHost(name="h2"))


class ScriptedWorkers:
    """Ends every run as it is told, fine without a word."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.requests: list[RunRequest] = []
        self.reasons: list[str | None] = []

    def submit(self, request, progress, cancel):
        self.requests.append(request)
        self.reasons.append(cancel.reason())
        answer = self._answers.pop(0) if self._answers else Outcome.CHANGED
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, HostOutcome):
            answer = (answer, RunStatus.SUCCESSFUL)
        if isinstance(answer, tuple):
            said, status = answer
            return make_outcome(*(replace(said, host=host) for host in request.hosts), status=status)
        if isinstance(answer, RunStatus):
            return make_outcome(
                *(HostOutcome(host=host, outcome=Outcome.UNKNOWN) for host in request.hosts), status=answer
            )
        return make_outcome(*(HostOutcome(host=host, outcome=answer) for host in request.hosts))

    @property
    def playbooks(self) -> list[str]:
        return [request.playbook for request in self.requests]


class Quiet:
    """Says these reasons one after the other, and the last one ever after."""

    def __init__(self, *reasons: str | None) -> None:
        self._reasons = list(reasons)

    def began(self, request: RunRequest) -> None:
        return

    def log(self, run_id: str, lines: Sequence[str]) -> None:
        return

    def progress(self, progress: RunProgress) -> None:
        return

    def reason(self) -> str | None:
        return self._reasons.pop(0) if len(self._reasons) > 1 else next(iter(self._reasons), None)


def make_plugin(workers: ScriptedWorkers, hosts=HOSTS) -> AnsiblePlugin:
    return AnsiblePlugin(
        bindings=BINDINGS, inventory=ScriptedInventory(hosts), workers=workers, make_id=iter(["1", "2", "3"]).__next__
    )


def ending(status: RunStatus) -> Quiet:
    """A signal that fits a run which ended so."""
    return Quiet(None, "canceled") if status is RunStatus.CANCELED else Quiet()


def perform(workers: ScriptedWorkers, *, action=ActionType.DEPLOYMENT_LAUNCH, cancel=None, waves=(("h1", "h2"),)):
    plan = Plan(action_id="a" * 24, waves=tuple(Wave(hosts=hosts) for hosts in waves))
    return make_plugin(workers).perform(make_claim(make_spec(action)), plan, Quiet(), cancel or Quiet())


def test_a_plan_is_one_wave_of_all_hosts():
    """The first rollout policy."""
    plan = make_plugin(ScriptedWorkers()).plan(make_spec())

    assert (("h1", "h2"),) == tuple(wave.hosts for wave in plan.waves)


def test_no_hosts_are_no_waves():
    """The agent makes a failure of it."""
    assert () == make_plugin(ScriptedWorkers(), hosts=()).plan(make_spec()).waves


def test_an_environment_of_another_agent_is_refused():
    """A claim that is not ours names plugin, environment and action."""
    with pytest.raises(errors.PluginError, match=r"environment 0+ is not served"):
        make_plugin(ScriptedWorkers()).plan(make_spec(environment_id="0" * 24))


@pytest.mark.parametrize("action", sorted(NEEDS_PACKAGE))
def test_a_runtime_that_the_configuration_does_not_name_is_refused(action):
    """Whatever would start it, and a rehearsal too; the message says where it is allowed."""
    package = replace(PACKAGE, runtime=Runtime.COMMAND)
    target = DeploymentTarget(id="churn", label="Churn", generation=1, package=package)
    spec = make_spec(action, deployment=target)
    rehearsal = replace(spec, type=ActionType.DEPLOYMENT_STATUS, would=action)

    for refused in (spec, rehearsal):
        with pytest.raises(errors.PluginError, match=r"may not serve runtime command.*environments/N/runtimes"):
            make_plugin(ScriptedWorkers()).plan(refused)


@pytest.mark.parametrize("action", [ActionType.DEPLOYMENT_STOP, ActionType.DEPLOYMENT_STATUS])
def test_a_runtime_that_is_not_allowed_any_more_can_be_stopped(action):
    """And looked at."""
    target = DeploymentTarget(
        id="churn", label="Churn", generation=1, package=replace(PACKAGE, runtime=Runtime.COMMAND)
    )

    assert 1 == len(make_plugin(ScriptedWorkers()).plan(make_spec(action, deployment=target)).waves)


def test_a_wave_that_is_not_fine_is_the_last_one():
    """A model that fails on the first hosts reaches no others."""
    workers = ScriptedWorkers(Outcome.FAILED)

    runs = perform(workers, waves=(("h1",), ("h2",)))

    assert 1 == len(runs)
    assert [("h1",)] == [request.hosts for request in workers.requests]


def test_a_cancel_between_waves_leaves_the_rest_alone():
    """The second wave never begins."""
    workers = ScriptedWorkers()

    perform(workers, waves=(("h1",), ("h2",)), cancel=Quiet(None, None, "canceled"))

    assert ["deployment_launch"] == workers.playbooks


@pytest.mark.parametrize("status", [RunStatus.CANCELED, RunStatus.TIMEOUT])
def test_a_run_that_was_stopped_is_stopped_on_its_hosts_too(status):
    """A second exec ends the recorded holder, and listens to no cancel signal."""
    workers = ScriptedWorkers(status)

    ((request, outcome),) = perform(workers, cancel=ending(status))

    assert ["deployment_launch", "deployment_cancel"] == workers.playbooks
    assert [None] == workers.reasons[1:]
    assert ("deployment_launch", status) == (request.playbook, outcome.status)
    assert "stopped on 2 hosts" in outcome.message


def test_hosts_that_could_not_be_stopped_are_named():
    """Somebody must look at them."""
    workers = ScriptedWorkers(RunStatus.TIMEOUT, Outcome.UNREACHABLE)

    ((_, outcome),) = perform(workers)

    assert "not stopped on h1, h2" in outcome.message


@pytest.mark.parametrize("status", [RunStatus.CANCELED, RunStatus.TIMEOUT])
def test_a_stopped_replace_tells_that_the_old_model_serves(status):
    """The second exec proved it, so the change failed and nothing is unknown."""
    proof = Evidence(kind="message", text="slot a came back")
    stopped = HostOutcome(
        host="", outcome=Outcome.CHANGED, identity=OLD_MODEL, old_model_in_use=True, evidence=(proof,)
    )

    ((_, outcome),) = perform(
        ScriptedWorkers(status, stopped), action=ActionType.DEPLOYMENT_REPLACE_MODEL, cancel=ending(status)
    )

    host = outcome.hosts["h1"]
    assert (Outcome.FAILED, True, OLD_MODEL) == (host.outcome, host.old_model_in_use, host.identity)
    assert (proof,) == host.evidence


def test_a_cancel_that_leaves_nothing_serving_is_degraded():
    """Neither the new nor the old model answers: that is said loudly."""
    stopped = HostOutcome(host="", outcome=Outcome.DEGRADED, message="slot a did not come back")

    ((_, outcome),) = perform(ScriptedWorkers(RunStatus.CANCELED, stopped), cancel=ending(RunStatus.CANCELED))

    assert (Outcome.DEGRADED, "slot a did not come back") == (
        outcome.hosts["h1"].outcome,
        outcome.hosts["h1"].message,
    )


def test_a_cancel_leaves_a_host_that_was_done_as_it_reported():
    """Its own result is the proof, whatever the second exec says."""
    run = HostOutcome(host="", outcome=Outcome.CHANGED, message="done")
    workers = ScriptedWorkers((run, RunStatus.TIMEOUT), HostOutcome(host="", outcome=Outcome.FAILED))

    ((_, outcome),) = perform(workers)

    assert (Outcome.CHANGED, "done") == (outcome.hosts["h1"].outcome, outcome.hosts["h1"].message)


@pytest.mark.parametrize("error", [errors.ExecutionError("no room"), RuntimeError("no room")])
def test_a_second_exec_that_fails_keeps_the_first_outcome(error):
    """What happened is more worth than what could not be cleaned up."""
    workers = ScriptedWorkers(RunStatus.TIMEOUT, error)

    ((_, outcome),) = perform(workers)

    assert RunStatus.TIMEOUT == outcome.status
    assert "could not be stopped: no room" in outcome.message


@pytest.mark.parametrize("status", [RunStatus.CANCELED, RunStatus.TIMEOUT])
@pytest.mark.parametrize("reason", ["claim_lost", "shutdown"])
def test_a_claim_that_others_take_over_stops_nothing_on_the_hosts(reason, status):
    """The next holder finds what was done, and its fence ends what still works."""
    workers = ScriptedWorkers(status)

    perform(workers, cancel=Quiet(None, reason))

    assert ["deployment_launch"] == workers.playbooks


def test_a_run_that_broke_by_itself_stops_nothing_on_the_hosts():
    """What works there may end well: it is looked at, not canceled."""
    workers = ScriptedWorkers(RunStatus.CANCELED)

    perform(workers)

    assert ["deployment_launch"] == workers.playbooks


def test_a_status_run_that_was_stopped_needs_no_second_exec():
    """Looking changes nothing."""
    workers = ScriptedWorkers(RunStatus.TIMEOUT)

    perform(workers, action=ActionType.DEPLOYMENT_STATUS)

    assert ["deployment_status"] == workers.playbooks


def test_a_look_reads_and_says_whom_it_waits_for():
    """One read-only run with the claim's pair."""
    workers = ScriptedWorkers(Outcome.OK)
    claim = replace(make_claim(), attempt=3)

    make_plugin(workers).observe(claim, ("h2",), Quiet(), wait_seconds=10.0)

    (request,) = workers.requests
    assert ("deployment_status", ("h2",), 75.0) == (request.playbook, request.hosts, request.timeout_seconds)
    (asked,) = request.variables["mgmt_event"]["deployments"]
    assert ({"__ansible_unsafe": "churn"}, 1, 3, 10.0) == (
        asked["id"],
        asked["generation"],
        asked["attempt"],
        asked["wait_seconds"],
    )


def test_a_cancel_of_its_own_stops_the_work_of_a_claim():
    """An action that was canceled between two agents is ended without being performed."""
    workers = ScriptedWorkers()

    outcome = make_plugin(workers).cancel(make_claim(), ("h1",))

    assert ["deployment_cancel"] == workers.playbooks
    assert ("h1",) == tuple(outcome.hosts)
