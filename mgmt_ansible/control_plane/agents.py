"""What agents ask and tell: hello, claims, heartbeats, reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mgmt_ansible import __version__, errors
from mgmt_ansible.control_plane.accepting import Asker, supersede
from mgmt_ansible.control_plane.accepting_looks import accept_environment_status
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.cleaned_reports import cleaned_report
from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.reporting import take_report
from mgmt_ansible.control_plane.results import take_result
from mgmt_ansible.control_plane.self_managed import NOBODY_ACTS
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord, EnvironmentRecord, Holder
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionSpec, ActionStatus, ActionType, Claim
from mgmt_ansible.domain.capabilities import OURS, WORDS, needed_for
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest, HeartbeatAnswer, Report, ResultReport
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2

CLAIM_LIFE = timedelta(seconds=30)
MAX_ATTEMPTS = 20
"""Claims of one action that may expire: what so many agents did not survive is offered to no other."""
HEARTBEAT_SECONDS = 10.0
_AGENT_ID_CHARACTERS = 64
_OURSELVES = Asker(actor="control plane")


class Agents:
    """The control plane's side of `/agent/v1`.

    Every method but `list_agents` raises ForbiddenError for an environment that the agent's token does not name.
    """

    def __init__(self, store: Store, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    def list_agents(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.Agent]:
        """Return agents by name, with when they were last seen."""
        with self._store.read() as tx:
            return tx.agents.list(limit=limit, offset=offset)

    def hello(self, principal: Principal, hello: AgentHello) -> None:
        """Note an agent; a new start of its process is an entry in the feed of each of its environments.

        What a former process of the same agent still holds is released: an agent says hello only when it alone has its
        data folder, so that the former process is dead.
        """
        _check_environments(principal, hello.environment_ids)
        hello = replace(hello, instance_id=clean_text(hello.instance_id), version=clean_text(hello.version))
        holder = _holder(principal, hello)
        with self._store.write() as tx:
            if holder.agent_id:
                tx.actions.release_former(holder)
            if tx.agents.hello(principal.name, hello, at=tx.now):
                tx.agents.forget_reports(now=tx.now)
                for environment in tx.environments.records(hello.environment_ids):
                    _append_started(tx, principal, hello, environment)
        self._wakeups.notify()

    def seen(self, principal: Principal) -> None:
        """Note that an agent asks for work."""
        with self._store.write() as tx:
            tx.agents.seen(principal.name, at=tx.now)

    def claim(self, principal: Principal, request: ClaimRequest) -> Claim | None:
        """Claim one action, without waiting; None when there is nothing to do.

        A periodic `environment_status` is made here when its interval has passed. Of a self-managed environment there
        is never anything to do. What the agent does not know how to do stays for another, and says so.
        """
        _check_environments(principal, request.environment_ids)
        with self._store.read() as tx:
            offer = _offer(tx, request)
            if not _due(tx, request.environment_ids) and offer.action is None and not offer.waiting:
                return None
        with self._store.write() as tx:
            for action in offer.waiting:
                tx.actions.explain_waiting(action.id, attempt=action.attempt, progress=_wait_of(action))
            for environment in _due(tx, request.environment_ids):
                accept_environment_status(tx, environment.id, _OURSELVES)
            found = _next(tx, request)
            claim = None if found is None else _take(tx, _holder(principal, request), found)
        if claim is not None or offer.waiting:
            self._wakeups.notify()
        return claim

    def heartbeat(self, principal: Principal, action_id: str, attempt: int) -> HeartbeatAnswer:
        """Keep a claim for another 30 s, also one that expired and that nobody took.

        Raises:
            ClaimLostError: Somebody else holds the action, it was released, or it has ended.
            NotFoundError: Unknown id.
        """
        with self._store.write() as tx:
            action = _held(tx, principal, action_id, attempt)
            expires_at = tx.now + CLAIM_LIFE
            tx.actions.update(action_id, expires_at=expires_at)
            tx.agents.seen(principal.name, at=tx.now)
        return HeartbeatAnswer(expires_at=expires_at, cancel_requested=action.cancel_requested)

    def release(self, principal: Principal, action_id: str, attempt: int) -> None:
        """Take a claim back from an agent that leaves: the action is offered again at once.

        Raises:
            ClaimLostError: Somebody else holds the action, it was released, or it has ended.
            NotFoundError: Unknown id.
        """
        with self._store.write() as tx:
            _held(tx, principal, action_id, attempt)
            tx.actions.release(action_id)
        self._wakeups.notify()

    def report(self, principal: Principal, reports: Sequence[Report]) -> None:
        """Take reports in order, each once; all of them or none."""
        clean = [cleaned_report(report) for report in reports]
        with self._store.write() as tx:
            for report in clean:
                take_report(tx, principal, report)
            tx.agents.seen(principal.name, at=tx.now)
        self._wakeups.notify()


def _check_environments(principal: Principal, environment_ids: Sequence[str]) -> None:
    for environment_id in environment_ids:
        if not principal.may_serve(environment_id):
            raise errors.ForbiddenError(f"{principal.name} may not serve prediction environment {environment_id}")


def _holder(principal: Principal, told: AgentHello | ClaimRequest) -> Holder:
    return Holder(
        agent=principal.name,
        agent_id=clean_text(told.agent_id, limit=_AGENT_ID_CHARACTERS),
        instance_id=clean_text(told.instance_id),
    )


def _held(tx: Transaction, principal: Principal, action_id: str, attempt: int) -> ActionRecord:
    """Return a running action whose newest claim is this attempt, and was not released."""
    action = tx.actions.record(action_id)
    _check_environments(principal, (action.environment_id,))
    if action.status is not ActionStatus.RUNNING or action.attempt != attempt or action.expires_at is None:
        released = " (released)" if action.status is ActionStatus.RUNNING and action.expires_at is None else ""
        raise errors.ClaimLostError(
            f"action {action_id} is {action.status.value}, attempt {action.attempt}{released}: drop attempt {attempt}"
        )
    return action


def _append_started(tx: Transaction, principal: Principal, hello: AgentHello, environment: EnvironmentRecord) -> None:
    append_event(
        tx,
        type=deployment_events.AGENT_STARTED,
        environment_id=environment.id,
        title=f"Agent {principal.name} started",
        message=f"version {hello.version}" + ("" if environment.managed else f"; {NOBODY_ACTS}"),
        actor=f"agent:{principal.name}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """What there is for an agent.

    Attributes:
        action: To be handed out next.
        waiting: What came before it and needs more than the agent knows, and does not say so yet.
    """

    action: ActionRecord | None
    waiting: tuple[ActionRecord, ...]


def _offer(tx: Transaction, request: ClaimRequest) -> _Offer:
    known = OURS.intersection(request.capabilities)
    managed = [one.id for one in tx.environments.records(request.environment_ids) if one.managed]
    found = tx.actions.claimable(
        managed, instance_id=clean_text(request.instance_id), now=tx.now, limit=1 if known == OURS else None
    )
    fitting = (action for action in found if needed_for(action.spec) <= known)
    beyond = (action for action in found if not needed_for(action.spec) <= known)
    return _Offer(
        action=next(fitting, None), waiting=tuple(action for action in beyond if action.progress != _wait_of(action))
    )


def _wait_of(action: ActionRecord) -> str:
    """Say what an action waits for: the same whichever agent asks, so that two of them do not take turns."""
    words = ", ".join(sorted(WORDS[one] for one in needed_for(action.spec)))
    return f"waits for an agent that knows {words}. Next: install version {__version__} or newer of the agent"


def _next(tx: Transaction, request: ClaimRequest) -> ActionRecord | None:
    """Return what to hand out; what was tried too often ends on the way."""
    action = _offer(tx, request).action
    while action is not None and action.attempt >= MAX_ATTEMPTS:
        take_result(tx, action, _given_up(action, at=tx.now), actor=_OURSELVES.actor)
        action = _offer(tx, request).action
    return action


def _given_up(action: ActionRecord, *, at: datetime) -> ResultReport:
    return ResultReport(
        id=make_id(),
        action_id=action.id,
        attempt=action.attempt,
        status=ActionStatus.UNKNOWN,
        outcome=Outcome.UNKNOWN,
        cause=Cause.UNKNOWN,
        health=Health.UNKNOWN,
        message=f"given up: {action.attempt} claims of it expired without a result; see the agent's log",
        finished_at=at,
    )


def _due(tx: Transaction, environment_ids: Sequence[str]) -> tuple[EnvironmentRecord, ...]:
    return tuple(one for one in tx.environments.records(environment_ids) if _status_due(tx, one))


def _status_due(tx: Transaction, environment: EnvironmentRecord) -> bool:
    if environment.status_interval_seconds <= 0 or not environment.managed:
        return False
    interval = timedelta(seconds=environment.status_interval_seconds)
    if environment.status_requested_at is not None and tx.now - environment.status_requested_at < interval:
        return False
    if tx.actions.environment_status_unfinished(environment.id) is not None:
        return False
    changing = tx.actions.changing_deployments(environment.id)
    if tx.orphans.any_of(environment.id):
        return True
    return any(record.id not in changing for record in tx.deployments.records_of(environment.id))


def _take(tx: Transaction, holder: Holder, action: ActionRecord) -> Claim:
    claim = Claim(
        spec=_fresh_spec(tx, action),
        attempt=action.attempt + 1,
        expires_at=tx.now + CLAIM_LIFE,
        heartbeat_seconds=HEARTBEAT_SECONDS,
        cancel_requested=action.cancel_requested,
    )
    tx.actions.claim(
        action.id, claim.spec, holder=holder, attempt=claim.attempt, expires_at=claim.expires_at, at=tx.now
    )
    tx.runs.abandon(action.id, at=tx.now, before_attempt=claim.attempt)
    if action.changing and action.deployment_id is not None:
        _supersede_expired(tx, action, holder)
    return claim


def _fresh_spec(tx: Transaction, action: ActionRecord) -> ActionSpec:
    """Return what to do; a look at an environment that begins now looks at what is wanted now."""
    if action.type is not ActionType.ENVIRONMENT_STATUS or action.attempt:
        return action.spec
    return replace(
        action.spec, deployments=tuple(one.target for one in tx.deployments.records_of(action.environment_id))
    )


def _supersede_expired(tx: Transaction, action: ActionRecord, holder: Holder) -> None:
    for other in tx.actions.unfinished(action.deployment_id or ""):
        if other.id != action.id and other.changing and (other.generation or 0) < (action.generation or 0):
            supersede(tx, other, actor=f"agent:{holder.agent}", by=action.id)
