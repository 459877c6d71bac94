"""What looks found on hosts beside the deployments of their environment, as it was when each host told last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.agent_tables import ORPHANS
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.domain.outcomes import OrphanState
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.orphans import Orphan

_COLUMNS = ORPHANS.c


class Place(NamedTuple):
    """Which orphan is where."""

    host: str
    deployment_id: str


class OrphanRows:
    """Orphans in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def replace(
        self, environment_id: str, hosts: Collection[str], found: Mapping[Place, OrphanState], *, at: datetime
    ) -> tuple[Place, ...]:
        """Take what hosts told, instead of what they told before.

        Returns:
            What was not there before, or is in another state than it was.
        """
        known = {place: state for place, state in self._known(environment_id).items() if place.host in hosts}
        fresh = tuple(place for place, state in found.items() if known.get(place) != state)
        gone = [place for place in known if place not in found or known[place] != found[place]]
        self._delete(environment_id, gone)
        rows = [
            {
                "environment_id": environment_id,
                "host": place.host,
                "deployment_id": place.deployment_id,
                "state": found[place].value,
                "since": at,
            }
            for place in fresh
        ]
        if rows:
            self._connection.execute(ORPHANS.insert(), rows)
        return fresh

    def keep_only(self, environment_id: str, hosts: Collection[str]) -> None:
        """Forget hosts that the inventory has no more."""
        self._delete(environment_id, [place for place in self._known(environment_id) if place.host not in hosts])

    def forget(self, deployment_id: str) -> None:
        """Forget an orphan that has become a deployment."""
        self._connection.execute(ORPHANS.delete().where(_COLUMNS.deployment_id == deployment_id))

    def any_of(self, environment_id: str) -> bool:
        """Tell whether an environment has some."""
        query = sa.select(_COLUMNS.host).where(_COLUMNS.environment_id == environment_id).limit(1)
        return self._connection.execute(query).first() is not None

    def list(self, environment_id: str, *, limit: int, offset: int) -> api_v2.Page[Orphan]:
        """Return an environment's, those first that run or would, then by id and host."""
        order = sa.case({state.value: number for number, state in enumerate(_ORDER)}, value=_COLUMNS.state, else_=9)
        query = ORPHANS.select().where(_COLUMNS.environment_id == environment_id)
        query = query.order_by(order, _COLUMNS.deployment_id, _COLUMNS.host)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def _known(self, environment_id: str) -> dict[Place, OrphanState]:
        query = ORPHANS.select().where(_COLUMNS.environment_id == environment_id)
        return {Place(row.host, row.deployment_id): OrphanState(row.state) for row in self._connection.execute(query)}

    def _delete(self, environment_id: str, places: Collection[Place]) -> None:
        rows = [{"of": environment_id, "on_host": place.host, "orphan": place.deployment_id} for place in places]
        if rows:
            self._connection.execute(_GONE, rows)


_ORDER = (OrphanState.RUNNING, OrphanState.DOWN, OrphanState.UNKNOWN, OrphanState.STOPPED)
_GONE = ORPHANS.delete().where(
    _COLUMNS.environment_id == sa.bindparam("of"),
    _COLUMNS.host == sa.bindparam("on_host"),
    _COLUMNS.deployment_id == sa.bindparam("orphan"),
)


def _to_wire(row: sa.Row[Any]) -> Orphan:
    return Orphan(
        prediction_environment_id=row.environment_id,
        host=row.host,
        deployment_id=row.deployment_id,
        state=row.state,
        since=row.since,
    )
