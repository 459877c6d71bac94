"""Actions: the only queue, and the record of what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.records import ActionRecord, Holder, Prior
from mgmt_ansible.control_plane.store.schema import ACTIONS
from mgmt_ansible.domain.actions import CHANGING, NEEDS_PACKAGE, ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.wire import api_v2

SPEC: TypeAdapter[ActionSpec] = TypeAdapter(ActionSpec)

UNFINISHED = (ActionStatus.PENDING.value, ActionStatus.RUNNING.value)
"""Statuses of what is asked for and has not ended."""
CHANGING_TYPES = tuple(sorted(action_type.value for action_type in CHANGING))
"""Types of actions that change hosts."""
_RELEASES = 100
"""Of one deployment, newest first, among which one to go back to is looked for."""
LONGEST_CLAIM = timedelta(minutes=1)
"""No claim ends later than this after now; twice the life of one, so that a small step of the clock changes nothing."""


class ActionRows:
    """Actions in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(
        self,
        spec: ActionSpec,
        *,
        requested_by: str,
        prior: Prior | None = None,
        idempotency_key: str | None = None,
        idempotency_request: str | None = None,
    ) -> None:
        """Add a pending action."""
        self._connection.execute(
            ACTIONS.insert().values(
                id=spec.id,
                type=spec.type.value,
                status=ActionStatus.PENDING.value,
                environment_id=spec.environment_id,
                deployment_id=spec.deployment.id if spec.deployment else None,
                generation=spec.deployment.generation if spec.deployment else None,
                spec=SPEC.dump_python(spec, mode="json"),
                attempt=0,
                cancel_requested=False,
                requested_by=requested_by,
                requested_at=spec.requested_at,
                message="",
                progress="",
                hosts=[],
                prior=asdict(prior) if prior else None,
                idempotency_key=idempotency_key,
                idempotency_request=idempotency_request,
            )
        )

    def update(self, action_id: str, **values: object) -> None:
        """Change columns of one."""
        self._connection.execute(ACTIONS.update().where(ACTIONS.c.id == action_id).values(**values))

    def claim(
        self, action_id: str, spec: ActionSpec, *, holder: Holder, attempt: int, expires_at: datetime, at: datetime
    ) -> None:
        """Put an action into an agent's hands; `started_at` stays that of the first attempt."""
        self.update(
            action_id,
            status=ActionStatus.RUNNING.value,
            spec=SPEC.dump_python(spec, mode="json"),
            agent=holder.agent,
            agent_id=holder.agent_id,
            instance_id=holder.instance_id,
            attempt=attempt,
            expires_at=expires_at,
            started_at=sa.func.coalesce(ACTIONS.c.started_at, sa.bindparam("started", at, ACTIONS.c.started_at.type)),
            progress="",
        )

    def explain_waiting(self, action_id: str, *, attempt: int, progress: str) -> None:
        """Say why nobody takes an action, unless somebody has taken it, or it has ended."""
        of_it = (ACTIONS.c.id == action_id, ACTIONS.c.attempt == attempt, ACTIONS.c.status.in_(UNFINISHED))
        self._connection.execute(ACTIONS.update().where(*of_it).values(progress=progress))

    def release(self, action_id: str) -> None:
        """Take a running action out of its agent's hands; the claim's number stays used."""
        self.update(action_id, expires_at=None)

    def release_former(self, holder: Holder) -> int:
        """Release what former instances of an agent hold; return how many."""
        statement = ACTIONS.update().where(
            ACTIONS.c.status == ActionStatus.RUNNING.value,
            ACTIONS.c.agent == holder.agent,
            ACTIONS.c.agent_id == holder.agent_id,
            ACTIONS.c.instance_id != holder.instance_id,
            ACTIONS.c.expires_at.is_not(None),
        )
        return self._connection.execute(statement.values(expires_at=None)).rowcount

    def take_key(self, action_id: str, *, idempotency_key: str, idempotency_request: str | None) -> bool:
        """Let an action be known by a key; False when it has one already."""
        statement = ACTIONS.update().where(ACTIONS.c.id == action_id, ACTIONS.c.idempotency_key.is_(None))
        taken = self._connection.execute(
            statement.values(idempotency_key=idempotency_key, idempotency_request=idempotency_request)
        )
        return taken.rowcount == 1

    def set_prior(self, action_id: str, prior: Prior) -> None:
        """Change what canceling the action returns to."""
        self.update(action_id, prior=asdict(prior))

    def get(self, action_id: str) -> api_v2.Action:
        """Return one; NotFoundError."""
        return _to_wire(self._row(action_id))

    def record(self, action_id: str) -> ActionRecord:
        """Return one as rules see it; NotFoundError."""
        return _record(self._row(action_id))

    def find_record(self, action_id: str) -> ActionRecord | None:
        """Return one as rules see it."""
        return self._first(ACTIONS.select().where(ACTIONS.c.id == action_id))

    def find_by_key(self, idempotency_key: str) -> ActionRecord | None:
        """Return the action that was made with this key."""
        return self._first(ACTIONS.select().where(ACTIONS.c.idempotency_key == idempotency_key))

    def list(
        self, *, deployment_id: str | None, status: ActionStatus | None, limit: int, offset: int
    ) -> api_v2.Page[api_v2.Action]:
        """Return actions, newest first."""
        query = ACTIONS.select().order_by(ACTIONS.c.sequence.desc())
        for column, value in ((ACTIONS.c.deployment_id, deployment_id), (ACTIONS.c.status, status)):
            query = query if value is None else query.where(column == value)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def succeeded_packages(self, deployment_id: str) -> tuple[ModelPackage, ...]:
        """Return the packages of a deployment's newest changes that succeeded, newest first."""
        query = sa.select(ACTIONS.c.spec).where(
            ACTIONS.c.deployment_id == deployment_id,
            ACTIONS.c.status == ActionStatus.SUCCEEDED.value,
            ACTIONS.c.type.in_(sorted(NEEDS_PACKAGE)),
        )
        specs = self._connection.execute(query.order_by(ACTIONS.c.sequence.desc()).limit(_RELEASES)).scalars()
        targets = (SPEC.validate_python(spec).deployment for spec in specs)
        return tuple(target.package for target in targets if target is not None and target.package is not None)

    def unfinished(self, deployment_id: str) -> tuple[ActionRecord, ...]:
        """Return the pending and running actions of a deployment, oldest first."""
        query = ACTIONS.select().where(ACTIONS.c.deployment_id == deployment_id, ACTIONS.c.status.in_(UNFINISHED))
        return tuple(_record(row) for row in self._connection.execute(query.order_by(ACTIONS.c.sequence)).all())

    def unfinished_in(self, environment_id: str) -> tuple[ActionRecord, ...]:
        """Return the pending and running actions of an environment, the newest first, so that each can be undone."""
        query = ACTIONS.select().where(ACTIONS.c.environment_id == environment_id, ACTIONS.c.status.in_(UNFINISHED))
        rows = self._connection.execute(query.order_by(ACTIONS.c.sequence.desc())).all()
        return tuple(_record(row) for row in rows)

    def changing_deployments(self, environment_id: str) -> frozenset[str]:
        """Return the ids of deployments with an unfinished action that changes hosts."""
        query = sa.select(ACTIONS.c.deployment_id).where(
            ACTIONS.c.environment_id == environment_id,
            ACTIONS.c.status.in_(UNFINISHED),
            ACTIONS.c.type.in_(CHANGING_TYPES),
        )
        return frozenset(self._connection.execute(query).scalars())

    def environment_status_unfinished(self, environment_id: str) -> str | None:
        """Return the id of the environment's pending or running `environment_status`."""
        query = sa.select(ACTIONS.c.id).where(
            ACTIONS.c.environment_id == environment_id,
            ACTIONS.c.status.in_(UNFINISHED),
            ACTIONS.c.type == ActionType.ENVIRONMENT_STATUS.value,
        )
        return self._connection.execute(query.order_by(ACTIONS.c.sequence.desc()).limit(1)).scalar_one_or_none()

    def looks_since(self, deployment_id: str, *, environment_id: str, since: datetime, limit: int) -> int:
        """Return how many of the newest looks at a deployment, at most `limit`, ended since a time."""
        of_environment = (ACTIONS.c.type == ActionType.ENVIRONMENT_STATUS.value) & ACTIONS.c.deployment_id.is_(None)
        of_deployment = (ACTIONS.c.type == ActionType.DEPLOYMENT_STATUS.value) & (
            ACTIONS.c.deployment_id == deployment_id
        )
        newest = (
            sa.select(ACTIONS.c.finished_at)
            .where(
                ACTIONS.c.environment_id == environment_id,
                sa.or_(of_environment, of_deployment),
                ACTIONS.c.status.in_((ActionStatus.SUCCEEDED.value, ActionStatus.FAILED.value)),
            )
            .order_by(ACTIONS.c.sequence.desc())
            .limit(limit)
        )
        return sum(ended >= since for ended in self._connection.execute(newest).scalars())

    def claimable(
        self, environment_ids: Sequence[str], *, instance_id: str, now: datetime, limit: int | None
    ) -> tuple[ActionRecord, ...]:
        """Return what an agent should take next, the first first.

        Pending ones, and running ones whose claim expired or was released, unless a newer change of the same deployment waits; never
        while another action of the deployment runs; and never to the process that released it, whose other questions may still
        wait while it leaves. Changes go before status, then the oldest first. A claim that ends later than any claim can was
        made before the clock was set back: nobody's, as nobody knows how old it is.
        """
        query = _claimable(environment_ids, instance_id, now).limit(limit)
        return tuple(_record(row) for row in self._connection.execute(query))

    def counts(self) -> dict[tuple[str, str], int]:
        """Return (type, status) -> number of actions."""
        query = sa.select(ACTIONS.c.type, ACTIONS.c.status, sa.func.count()).group_by(ACTIONS.c.type, ACTIONS.c.status)
        return {(kind, status): count for kind, status, count in self._connection.execute(query)}

    def _first(self, query: sa.Select[Any]) -> ActionRecord | None:
        row = self._connection.execute(query).first()
        return None if row is None else _record(row)

    def _row(self, action_id: str) -> sa.Row[Any]:
        row = self._connection.execute(ACTIONS.select().where(ACTIONS.c.id == action_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"action {action_id} does not exist")
        return row


def _claimable(environment_ids: Sequence[str], instance_id: str, now: datetime) -> sa.Select[Any]:
    latest = now + LONGEST_CLAIM
    other = ACTIONS.alias("other")
    held = sa.exists().where(
        other.c.deployment_id == ACTIONS.c.deployment_id,
        other.c.sequence != ACTIONS.c.sequence,
        other.c.status == ActionStatus.RUNNING.value,
        other.c.expires_at > now,
        other.c.expires_at <= latest,
    )
    newer = ACTIONS.alias("newer")
    outdated = sa.exists().where(
        newer.c.deployment_id == ACTIONS.c.deployment_id,
        newer.c.sequence > ACTIONS.c.sequence,
        newer.c.status == ActionStatus.PENDING.value,
        newer.c.type.in_(CHANGING_TYPES),
    )
    pending = ACTIONS.c.status == ActionStatus.PENDING.value
    given_back = sa.and_(ACTIONS.c.expires_at.is_(None), ACTIONS.c.instance_id.is_distinct_from(instance_id))
    nobodys = sa.or_(given_back, ACTIONS.c.expires_at <= now, ACTIONS.c.expires_at > latest)
    expired = sa.and_(ACTIONS.c.status == ActionStatus.RUNNING.value, nobodys, ~outdated)
    changes_first = sa.case((ACTIONS.c.type.in_(CHANGING_TYPES), 0), else_=1)
    return (
        ACTIONS.select()
        .where(ACTIONS.c.environment_id.in_(environment_ids), sa.or_(pending, expired), ~held)
        .order_by(changes_first, ACTIONS.c.sequence)
    )


def _record(row: sa.Row[Any]) -> ActionRecord:
    return ActionRecord(
        id=row.id,
        type=ActionType(row.type),
        status=ActionStatus(row.status),
        environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        generation=row.generation,
        spec=SPEC.validate_python(row.spec),
        attempt=row.attempt,
        agent=row.agent,
        started_at=row.started_at,
        expires_at=row.expires_at,
        cancel_requested=row.cancel_requested,
        requested_by=row.requested_by,
        idempotency_request=row.idempotency_request,
        prior=None if row.prior is None else _prior(row.prior),
        progress=row.progress,
    )


def _prior(value: dict[str, Any]) -> Prior:
    return Prior(
        state=DeploymentState(value["state"]),
        package_id=value["package_id"],
        wanted_running=value["wanted_running"],
        generation=value["generation"],
    )


def _to_wire(row: sa.Row[Any]) -> api_v2.Action:
    return api_v2.Action(
        id=row.id,
        type=row.type,
        status=row.status,
        prediction_environment_id=row.environment_id,
        deployment_id=row.deployment_id,
        generation=row.generation,
        attempt=row.attempt,
        agent=row.agent,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cancel_requested=row.cancel_requested,
        outcome=row.outcome,
        cause=row.cause,
        message=row.message,
        progress=row.progress,
        would=row.spec.get("would"),
        limit=row.spec.get("limit") or [],
        hosts=row.hosts,
    )
