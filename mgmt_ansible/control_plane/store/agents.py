"""Agents as they last announced themselves, and the ids of reports that were taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store import scoping
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.schema import AGENTS, REPORTS
from mgmt_ansible.domain.reports import AgentHello
from mgmt_ansible.wire import api_v2

REMEMBER_REPORTS = timedelta(days=30)


class AgentRows:
    """Agents in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def hello(self, name: str, hello: AgentHello, *, at: datetime) -> bool:
        """Note an agent; tell whether it is a start of its process that was not known."""
        row = self._connection.execute(AGENTS.select().where(AGENTS.c.name == name)).one_or_none()
        values = {
            "instance_id": hello.instance_id,
            "version": hello.version,
            "environment_ids": list(hello.environment_ids),
            "last_seen_at": at,
        }
        if row is None:
            self._connection.execute(AGENTS.insert().values(name=name, first_seen_at=at, **values))
            return True
        self._connection.execute(AGENTS.update().where(AGENTS.c.name == name).values(**values))
        return bool(row.instance_id != hello.instance_id)

    def seen(self, name: str, *, at: datetime) -> None:
        """Note that an agent spoke."""
        self._connection.execute(AGENTS.update().where(AGENTS.c.name == name).values(last_seen_at=at))

    def list(self, *, limit: int, offset: int) -> api_v2.Page[api_v2.Agent]:
        """Return agents by name."""
        query = AGENTS.select().order_by(AGENTS.c.name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=self._to_wire)

    def take_report(self, report_id: str, agent: str, *, at: datetime) -> bool:
        """Remember a report's id; False when it was taken before."""
        if self._connection.execute(sa.select(REPORTS.c.id).where(REPORTS.c.id == report_id)).first() is not None:
            return False
        self._connection.execute(REPORTS.insert().values(id=report_id, agent=agent, received_at=at))
        return True

    def forget_reports(self, *, now: datetime) -> None:
        """Forget the ids of reports older than 30 days."""
        self._connection.execute(REPORTS.delete().where(REPORTS.c.received_at < now - REMEMBER_REPORTS))

    def _to_wire(self, row: sa.Row[Any]) -> api_v2.Agent:
        scope = self._connection.info.get(scoping.OPTION)
        return api_v2.Agent(
            name=row.name,
            instance_id=row.instance_id,
            version=row.version,
            environment_ids=[one for one in row.environment_ids if not scope or one in scope],
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )
