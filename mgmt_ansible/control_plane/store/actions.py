"""Actions: the only queue, and the record of what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.action_records import (
    CHANGING_TYPES,
    SPEC,
    UNFINISHED,
    action_to_wire,
    record_from_row,
)
from mgmt_ansible.control_plane.store.claimable_actions import claimable
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.records import ActionRecord, Holder, Prior
from mgmt_ansible.control_plane.store.schema import ACTIONS
from mgmt_ansible.domain.actions import NEEDS_PACKAGE, ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.wire import api_v2

_RELEASES = 100
"""Of one deployment, newest first, among which one to go back to is looked for."""


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
        return action_to_wire(self._row(action_id))

    def record(self, action_id: str) -> ActionRecord:
        """Return one as rules see it; NotFoundError."""
        return record_from_row(self._row(action_id))

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
        return page_of(self._connection, query, limit=limit, offset=offset, make=action_to_wire)

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
        return tuple(record_from_row(row) for row in self._connection.execute(query.order_by(ACTIONS.c.sequence)).all())

    def unfinished_in(self, environment_id: str) -> tuple[ActionRecord, ...]:
        """Return the pending and running actions of an environment, the newest first, so that each can be undone."""
        query = ACTIONS.select().where(ACTIONS.c.environment_id == environment_id, ACTIONS.c.status.in_(UNFINISHED))
        rows = self._connection.execute(query.order_by(ACTIONS.c.sequence.desc())).all()
        return tuple(record_from_row(row) for row in rows)

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
        """Return what an agent should take next, the first first; see `claimable_actions`."""
        query = claimable(environment_ids, instance_id, now).limit(limit)
        return tuple(record_from_row(row) for row in self._connection.execute(query))

    def counts(self) -> dict[tuple[str, str], int]:
        """Return (type, status) -> number of actions."""
        query = sa.select(ACTIONS.c.type, ACTIONS.c.status, sa.func.count()).group_by(ACTIONS.c.type, ACTIONS.c.status)
        return {(kind, status): count for kind, status, count in self._connection.execute(query)}

    def _first(self, query: sa.Select[Any]) -> ActionRecord | None:
        row = self._connection.execute(query).first()
        return None if row is None else record_from_row(row)

    def _row(self, action_id: str) -> sa.Row[Any]:
        row = self._connection.execute(ACTIONS.select().where(ACTIONS.c.id == action_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"action {action_id} does not exist")
        return row
