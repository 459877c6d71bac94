"""Requests, claims, heartbeats, results, cancels and restarts in any order, compared with a reference model.

`MGMT_ANSIBLE_CASES=10000 .venv/bin/pytest tests/contract/store/test_against_the_model.py` runs as many sequences.
"""

from __future__ import annotations

import itertools
import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.agents import MAX_ATTEMPTS
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest, Report, ResultReport
from mgmt_ansible.wire import api_v2
from tests.contract.store.reference_model import ALLOWED, Model
from tests.contract.store.sites import Site

CASES = int(os.environ.get("MGMT_ANSIBLE_CASES", "15"))
STEPS = 40
AGENTS = st.sampled_from(["a", "b"])
INSTANCES = st.sampled_from(["one", "two", "three"])
STATUSES = st.sampled_from(["succeeded", "failed", "canceled", "unknown", "superseded"])
KEYS = st.one_of(st.none(), st.sampled_from(["k1", "k2"]))
Claimed = tuple[int, int]


class ControlPlaneMachine(RuleBasedStateMachine):
    """One deployment in an environment of its own; every step is done to the model and to the control plane."""

    numbers = itertools.count()

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        self.model = Model(most_attempts=MAX_ATTEMPTS)
        self.ids: list[str] = []
        self.claims: list[Claimed] = []
        self.reports: list[tuple[Report, Claimed, str]] = []
        self.name = f"m{next(self.numbers)}"

    @initialize()
    def make_a_deployment(self) -> None:
        environment = self.site.add_environment(self.name, interval=0)
        self.agent = Principal(token_id="t", name="agent", kind="agent", environment_ids=(environment.id,))
        body = api_v2.DeploymentIn(
            model_package_id=self.site.package.id,
            label=self.name,
            prediction_environment_id=environment.id,
            deployment_id=self.name,
            launch=False,
        )
        self.site.services.deployments.create(body, self.site.asker)

    @rule(data=st.data(), key=KEYS)
    def ask(self, data: st.DataObject, key: str | None) -> None:
        """Ask for what the state allows; one time in four for anything."""
        allowed = [kind for kind, states in ALLOWED.items() if self.model.state in states]
        kind = data.draw(st.sampled_from(allowed * 3 + sorted(ALLOWED)))
        expected = self.model.ask(kind, key)
        try:
            accepted = self._ask(kind, key).action_id
            assert accepted is not None
            if accepted not in self.ids:
                self.ids.append(accepted)
            found: int | str = self.ids.index(accepted)
        except errors.ConflictError as exc:
            found = exc.code
        assert expected == found

    @rule(agent=AGENTS, instance=INSTANCES)
    def claim(self, agent: str, instance: str) -> None:
        expected = self.model.claim((agent, instance))
        request = ClaimRequest(agent_id=agent, instance_id=instance, environment_ids=self.agent.environment_ids)
        claim = self.site.services.agents.claim(self.agent, request)
        found = None if claim is None else (self.ids.index(claim.spec.id), claim.attempt)
        assert expected == found
        if found is not None:
            self.claims.append(found)

    @rule(data=st.data(), agent=AGENTS, instance=INSTANCES)
    def ask_and_claim(self, data: st.DataObject, agent: str, instance: str) -> None:
        self.ask(data, None)
        self.claim(agent, instance)

    @rule(agent=AGENTS, instance=INSTANCES)
    def take_over(self, agent: str, instance: str) -> None:
        self.wait(30)
        self.claim(agent, instance)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        claim = self._any_claim(data)
        expected = self.model.heartbeat(*claim)
        agents = self.site.services.agents
        try:
            found: bool | str = agents.heartbeat(self.agent, self.ids[claim[0]], claim[1]).cancel_requested
        except errors.ClaimLostError as exc:
            found = exc.code
        assert expected == found

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        claim = self._any_claim(data)
        expected = self.model.release(*claim)
        try:
            self.site.services.agents.release(self.agent, self.ids[claim[0]], claim[1])
            found = None
        except errors.ClaimLostError as exc:
            found = exc.code
        assert expected == found

    @rule(agent=AGENTS, instance=INSTANCES)
    def hello(self, agent: str, instance: str) -> None:
        self.model.hello(agent, instance)
        told = AgentHello(agent_id=agent, instance_id=instance, version="1", environment_ids=self.agent.environment_ids)
        self.site.services.agents.hello(self.agent, told)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=STATUSES)
    def result(self, data: st.DataObject, status: str) -> None:
        claim = self._any_claim(data)
        self.reports.append((self._result(claim, status), claim, status))
        self._send(*self.reports[-1])

    @precondition(lambda self: self.reports)
    @rule(data=st.data())
    def result_again(self, data: st.DataObject) -> None:
        self._send(*data.draw(st.sampled_from(self.reports)))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.ids) - 1))
        expected = self.model.cancel(index)
        try:
            self.site.services.actions.cancel(self.ids[index], actor="ann")
            found = None
        except errors.ConflictError as exc:
            found = exc.code
        assert expected == found

    @rule(seconds=st.sampled_from([1, 29, 30, 100]))
    def wait(self, seconds: int) -> None:
        self.model.now += seconds
        self.site.clock.pass_seconds(seconds)

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        if not self.ids:
            return
        actions = self.site.services.actions.list_actions(deployment_id=self.name, limit=500).data
        expected = [(a.kind, a.status, a.generation, a.attempt, a.cancel) for a in self.model.actions]
        assert expected == [(a.type, a.status, a.generation, a.attempt, a.cancel_requested) for a in reversed(actions)]
        deployment = self.site.deployment(self.name)
        assert (self.model.state, self.model.generation) == (deployment.state, deployment.generation)

    def _any_claim(self, data: st.DataObject) -> Claimed:
        """Draw one that was ever handed out, the newest most of all."""
        return data.draw(st.sampled_from([*reversed(self.claims), *self.claims[-2:]]))

    def _send(self, report: Report, claim: Claimed, status: str) -> None:
        self.model.result(*claim, status)
        self.site.services.agents.report(self.agent, [report])

    def _ask(self, kind: str, key: str | None) -> api_v2.ActionAccepted:
        asker = Asker(actor="ann", idempotency_key=key and f"{self.name}-{key}")
        deployments = self.site.services.deployments
        if kind == "deployment_replace_model":
            body = api_v2.ModelReplacement(model_package_id=self.site.newer.id)
            return deployments.replace_model(self.name, body, asker)
        return deployments.act(self.name, api_v2.ActionIn(type=ActionType(kind)), asker)

    def _result(self, claim: Claimed, status: str) -> ResultReport:
        fine = status == "succeeded"
        outcome = Outcome.CHANGED if fine else Outcome.FAILED
        return ResultReport(
            id=f"{self.name}-{next(self.numbers)}",
            action_id=self.ids[claim[0]],
            attempt=claim[1],
            status=ActionStatus(status),
            outcome=outcome,
            hosts=(HostOutcome(host="h1", outcome=outcome),),
            finished_at=self.site.clock(),
        )


def test_the_control_plane_does_as_the_model_does(site: Site):
    """No order of duplicates, late reports, expired claims and restarts makes them differ."""
    chosen = settings(
        max_examples=CASES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.reuse, Phase.generate),  # making a failure smaller takes minutes: take (.., Phase.shrink) by hand
    )
    run_state_machine_as_test(lambda: ControlPlaneMachine(site), settings=chosen)
