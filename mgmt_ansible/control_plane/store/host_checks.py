"""What the newest look at each host found, before anything is run on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from mgmt_ansible.control_plane.store.agent_tables import HOST_CHECKS
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.domain.preflight import Check, HostReport
from mgmt_ansible.wire import api_v2

_CHECKS: TypeAdapter[tuple[Check, ...]] = TypeAdapter(tuple[Check, ...])
_TABLE = HOST_CHECKS


class HostCheckRows:
    """Findings in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, report: HostReport, *, agent: str, taken_at: datetime) -> None:
        """Keep what was found about a host instead of what was found before; an older look changes nothing."""
        mine = sa.and_(_TABLE.c.environment_id == report.environment_id, _TABLE.c.host == report.host)
        newest = self._connection.execute(sa.select(_TABLE.c.taken_at).where(mine)).scalar_one_or_none()
        if newest is not None and newest > taken_at:
            return
        self._connection.execute(_TABLE.delete().where(mine))
        self._connection.execute(
            _TABLE.insert().values(
                environment_id=report.environment_id,
                host=report.host,
                agent=agent,
                taken_at=taken_at,
                seconds=report.seconds,
                failed=report.failed,
                checks=_CHECKS.dump_python(report.checks, mode="json"),
            )
        )

    def keep_only(self, environment_id: str, hosts: Collection[str]) -> None:
        """Forget hosts that the inventory has no more."""
        known = self._connection.execute(
            sa.select(_TABLE.c.host).where(_TABLE.c.environment_id == environment_id)
        ).scalars()
        gone = [host for host in known if host not in hosts]
        if gone:
            self._connection.execute(
                _TABLE.delete().where(_TABLE.c.environment_id == environment_id, any_of(_TABLE.c.host, gone))
            )

    def list(self, environment_id: str, *, limit: int, offset: int) -> api_v2.Page[api_v2.HostCheck]:
        """Return the findings of an environment, hosts on which a run would fail first."""
        query = _TABLE.select().where(_TABLE.c.environment_id == environment_id)
        query = query.order_by(_TABLE.c.failed.desc(), _TABLE.c.host)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)


def _to_wire(row: sa.Row[Any]) -> api_v2.HostCheck:
    return api_v2.HostCheck(
        prediction_environment_id=row.environment_id,
        host=row.host,
        agent=row.agent,
        taken_at=row.taken_at,
        seconds=row.seconds,
        failed=row.failed,
        checks=row.checks,
    )
