"""Deployments: what is wanted and what was last proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.access_tables import USERS
from mgmt_ansible.control_plane.store.action_records import CHANGING_TYPES, UNFINISHED
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters, conditions, order
from mgmt_ansible.control_plane.store.deployment_records import RECORDS, RECORDS_BY_ID, to_record
from mgmt_ansible.control_plane.store.deployment_shapes import first_day, shown_deployment
from mgmt_ansible.control_plane.store.monitoring import MonitoringRows
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.control_plane.store.schema import (
    ACTIONS,
    DEPLOYMENT_GENERATIONS,
    DEPLOYMENTS,
    ENVIRONMENTS,
    PACKAGES,
)
from mgmt_ansible.control_plane.store.tags import TagRows
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.wire import api_v2


class DeploymentRows:
    """Deployments in one transaction.

    Attributes:
        touched: Ids of those that it added, changed or removed, for the history.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.touched: set[str] = set()

    def insert(
        self, deployment_id: str, body: api_v2.DeploymentIn, *, created_at: datetime, created_by: str, owner: str
    ) -> None:
        """Add one that wants nothing yet; ConflictError when the id is taken."""
        self.touched.add(deployment_id)
        self._connection.execute(
            DEPLOYMENTS.insert().values(
                id=deployment_id,
                label=body.label,
                description=body.description or "",
                importance=body.importance or "LOW",
                environment_id=body.prediction_environment_id,
                package_id=body.model_package_id,
                wanted_running=False,
                forget_when_stopped=False,
                generation=0,
                state=DeploymentState.STOPPED.value,
                port=body.port,
                health=Health.UNKNOWN.value,
                health_message="never launched",
                agent_health_message="never launched",
                created_by=created_by,
                owner=owner,
                user_provided_id=body.user_provided_id,
                endpoints=[],
                created_at=created_at,
                updated_at=created_at,
            )
        )

    def exists(self, deployment_id: str) -> bool:
        """Tell whether the id is in use."""
        query = sa.select(DEPLOYMENTS.c.id).where(DEPLOYMENTS.c.id == deployment_id)
        return self._connection.execute(query).first() is not None

    def next_generation(self, deployment_id: str) -> int:
        """Return the next number of this id, and remember it for ever."""
        generation = self.newest_generation(deployment_id) + 1
        self.raise_generation(deployment_id, generation)
        return generation

    def newest_generation(self, deployment_id: str) -> int:
        """Return the highest number that this id ever had, here or on a host; 0 when none."""
        return self._known_generations((deployment_id,)).get(deployment_id, 0)

    def raise_generation(self, deployment_id: str, generation: int) -> None:
        """Remember that this id has reached a number; a lower one, or none above 0, changes nothing."""
        self.raise_generations({deployment_id: generation})

    def raise_generations(self, generations: Mapping[str, int]) -> None:
        """Do that for several ids: id -> number."""
        known = self._known_generations(tuple(generations))
        risen = [
            {"deployment": deployment_id, "reached": generation}
            for deployment_id, generation in generations.items()
            if generation > known.get(deployment_id, 0)
        ]
        for statement, new in ((_NEW_GENERATION, True), (_HIGHER_GENERATION, False)):
            rows = [row for row in risen if (row["deployment"] not in known) is new]
            if rows:
                self._connection.execute(statement, rows)

    def update(self, deployment_id: str, **values: object) -> None:
        """Change columns of one."""
        self.touched.add(deployment_id)
        self._connection.execute(DEPLOYMENTS.update().where(DEPLOYMENTS.c.id == deployment_id).values(**values))

    def update_all(self, changes: Sequence[Mapping[str, object]]) -> None:
        """Change columns of several, the same of each: `deployment` is the id, the others are columns."""
        if changes:
            self.touched.update(str(change["deployment"]) for change in changes)
            values: dict[str, Any] = {name: sa.bindparam(name) for name in changes[0] if name != "deployment"}
            statement = DEPLOYMENTS.update().where(DEPLOYMENTS.c.id == sa.bindparam("deployment")).values(values)
            self._connection.execute(statement, changes)

    def delete(self, deployment_id: str) -> None:
        """Forget one; its events, actions, runs and generation stay."""
        self.touched.add(deployment_id)
        self._connection.execute(DEPLOYMENTS.delete().where(DEPLOYMENTS.c.id == deployment_id))

    def find_record(self, deployment_id: str) -> DeploymentRecord | None:
        """Return one as rules see it."""
        return self.records((deployment_id,)).get(deployment_id)

    def records(self, deployment_ids: Sequence[str]) -> dict[str, DeploymentRecord]:
        """Return id -> those that exist, as rules see them."""
        rows = self._connection.execute(RECORDS_BY_ID, {"deployments": deployment_ids})
        return {row.id: to_record(row) for row in rows}

    def environments_of(self, deployment_ids: Sequence[str]) -> dict[str, str]:
        """Return id -> environment id, of those that exist."""
        rows = self._connection.execute(_ENVIRONMENTS_OF, {"deployments": deployment_ids})
        return {row.id: row.environment_id for row in rows}

    def record(self, deployment_id: str) -> DeploymentRecord:
        """Return one as rules see it; NotFoundError."""
        found = self.find_record(deployment_id)
        if found is None:
            raise errors.NotFoundError(f"deployment {deployment_id} does not exist")
        return found

    def records_of(self, environment_id: str) -> tuple[DeploymentRecord, ...]:
        """Return every deployment of an environment that hosts may know of, by id."""
        query = RECORDS.where(DEPLOYMENTS.c.environment_id == environment_id, DEPLOYMENTS.c.generation > 0)
        return tuple(to_record(row) for row in self._connection.execute(query.order_by(DEPLOYMENTS.c.id)))

    def get(self, deployment_id: str, *, now: datetime) -> api_v2.Deployment:
        """Return one; NotFoundError."""
        row = self._connection.execute(_JOINED.where(DEPLOYMENTS.c.id == deployment_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"deployment {deployment_id} does not exist")
        return self._shown([row], now)[0]

    def list(
        self, filters: DeploymentFilters, *, limit: int, offset: int, now: datetime
    ) -> api_v2.Page[api_v2.Deployment]:
        """Return deployments, by label unless another order is asked for."""
        query = _JOINED.where(*conditions(filters)).order_by(*order(filters.order_by))
        rows = page_of(self._connection, query, limit=limit, offset=offset, make=lambda row: row)
        return api_v2.Page(count=rows.count, total_count=rows.total_count, data=[*self._shown(rows.data, now)])

    def ids(self, filters: DeploymentFilters) -> tuple[str, ...]:
        """Return the ids of all that fulfil filters, in their order."""
        joined = sa.select(DEPLOYMENTS.c.id).join(ENVIRONMENTS, ENVIRONMENTS.c.id == DEPLOYMENTS.c.environment_id)
        query = joined.join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id).where(*conditions(filters))
        return tuple(self._connection.execute(query.order_by(*order(filters.order_by))).scalars())

    def of_ids(self, deployment_ids: Sequence[str], *, now: datetime) -> tuple[api_v2.Deployment, ...]:
        """Return, of at most a thousand, those that exist, in the order of the ids."""
        rows = self._connection.execute(_JOINED.where(any_of(DEPLOYMENTS.c.id, deployment_ids))).all()
        found = {one.id: one for one in self._shown(rows, now)}
        return tuple(found[one] for one in deployment_ids if one in found)

    def _shown(self, rows: Sequence[sa.Row[Any]], now: datetime) -> tuple[api_v2.Deployment, ...]:
        ids = [row.id for row in rows]
        tags = TagRows(self._connection).of_each(EntityType.DEPLOYMENT, ids)
        usage = MonitoringRows(self._connection).usage(ids, since=first_day(now))
        return tuple(
            shown_deployment(row, tags=tags.get(row.id, ()), usage=usage.get(row.id, ()), now=now) for row in rows
        )

    def tally(self, filters: DeploymentFilters) -> dict[tuple[Health, DeploymentState], int]:
        """Return (health, state) -> number of deployments that fulfil filters."""
        counted = sa.select(DEPLOYMENTS.c.health, DEPLOYMENTS.c.state, sa.func.count())
        joined = counted.join(ENVIRONMENTS, ENVIRONMENTS.c.id == DEPLOYMENTS.c.environment_id)
        query = joined.join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id).where(*conditions(filters))
        rows = self._connection.execute(query.group_by(DEPLOYMENTS.c.health, DEPLOYMENTS.c.state))
        return {(Health(health), DeploymentState(state)): count for health, state, count in rows}

    def package_names(self) -> tuple[str, ...]:
        """Return the names of the packages that are wanted somewhere, at most 500."""
        query = sa.select(PACKAGES.c.name).where(PACKAGES.c.id.in_(sa.select(DEPLOYMENTS.c.package_id))).distinct()
        return tuple(self._connection.execute(query.order_by(PACKAGES.c.name).limit(500)).scalars())

    def owners(self) -> tuple[str, ...]:
        """Return the names of those who own any, at most 500."""
        query = sa.select(DEPLOYMENTS.c.owner).where(DEPLOYMENTS.c.owner != "").distinct()
        return tuple(self._connection.execute(query.order_by(DEPLOYMENTS.c.owner).limit(500)).scalars())

    def _known_generations(self, deployment_ids: Sequence[str]) -> dict[str, int]:
        rows = self._connection.execute(_GENERATIONS, {"deployments": deployment_ids})
        return {row.deployment_id: row.generation for row in rows}


def _newest_action(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    query = sa.select(sa.func.max(ACTIONS.c.sequence)).where(ACTIONS.c.deployment_id == DEPLOYMENTS.c.id, *conditions)
    return query.correlate(DEPLOYMENTS).scalar_subquery()


_CURRENT_ACTION = sa.func.coalesce(
    _newest_action(ACTIONS.c.status.in_(UNFINISHED), ACTIONS.c.type.in_(CHANGING_TYPES)),
    _newest_action(ACTIONS.c.status.in_(UNFINISHED)),
    _newest_action(),
)
"""A change under way, else a look under way, else what was asked last."""

_JOINED = (
    sa.select(
        DEPLOYMENTS,
        ENVIRONMENTS.c.name.label("environment_name"),
        ENVIRONMENTS.c.platform.label("environment_platform"),
        ENVIRONMENTS.c.is_managed_by_management_agent.label("environment_managed"),
        ENVIRONMENTS.c.plugin.label("environment_plugin"),
        ENVIRONMENTS.c.supported_model_formats.label("environment_formats"),
        PACKAGES.c.name.label("package_name"),
        PACKAGES.c.version.label("package_version"),
        PACKAGES.c.digest.label("package_digest"),
        PACKAGES.c.registered_model_id.label("registered_model_id"),
        PACKAGES.c.model_id.label("package_model_id"),
        PACKAGES.c.runtime.label("package_runtime"),
        PACKAGES.c.target.label("package_target"),
        ACTIONS.c.id.label("action_id"),
        ACTIONS.c.type.label("action_type"),
        ACTIONS.c.status.label("action_status"),
        USERS.c.id.label("owner_id"),
    )
    .join(ENVIRONMENTS, ENVIRONMENTS.c.id == DEPLOYMENTS.c.environment_id)
    .join(PACKAGES, PACKAGES.c.id == DEPLOYMENTS.c.package_id)
    .outerjoin(ACTIONS, ACTIONS.c.sequence == _CURRENT_ACTION)
    .outerjoin(USERS, USERS.c.folded_name == sa.func.lower(DEPLOYMENTS.c.owner))
)


_ENVIRONMENTS_OF = sa.select(DEPLOYMENTS.c.id, DEPLOYMENTS.c.environment_id).where(
    any_of(DEPLOYMENTS.c.id, "deployments")
)
_GENERATIONS = sa.select(DEPLOYMENT_GENERATIONS.c.deployment_id, DEPLOYMENT_GENERATIONS.c.generation).where(
    any_of(DEPLOYMENT_GENERATIONS.c.deployment_id, "deployments")
)
_NEW_GENERATION = DEPLOYMENT_GENERATIONS.insert().values(
    deployment_id=sa.bindparam("deployment"), generation=sa.bindparam("reached")
)
_HIGHER_GENERATION = (
    DEPLOYMENT_GENERATIONS.update()
    .where(DEPLOYMENT_GENERATIONS.c.deployment_id == sa.bindparam("deployment"))
    .values(generation=sa.bindparam("reached"))
)
