"""Invitations of agents: one-time codes, kept as their sha256 until they are used or too old."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.agent_tables import AGENT_INVITATIONS
from mgmt_ansible.control_plane.store.records import InvitationRecord

_TABLE = AGENT_INVITATIONS


class InvitationRows:
    """Invitations in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, sha256: str, invitation: InvitationRecord, *, expires_at: datetime, now: datetime) -> None:
        """Add one, and forget those that expired."""
        self._connection.execute(_TABLE.delete().where(_TABLE.c.expires_at <= now))
        self._connection.execute(
            _TABLE.insert().values(
                sha256=sha256,
                environment_id=invitation.environment_id,
                agent_name=invitation.agent_name,
                invited_by=invitation.invited_by,
                expires_at=expires_at,
            )
        )

    def is_good(self, sha256: str, *, now: datetime) -> bool:
        """Tell whether one can be used."""
        query = sa.select(_TABLE.c.sha256).where(_TABLE.c.sha256 == sha256, _TABLE.c.expires_at > now)
        return self._connection.execute(query).first() is not None

    def take(self, sha256: str, *, now: datetime) -> InvitationRecord | None:
        """Use one up and return it, unless it is unknown or expired."""
        query = _TABLE.select().where(_TABLE.c.sha256 == sha256, _TABLE.c.expires_at > now)
        row = self._connection.execute(query).one_or_none()
        self._connection.execute(_TABLE.delete().where(_TABLE.c.sha256 == sha256))
        if row is None:
            return None
        return InvitationRecord(environment_id=row.environment_id, agent_name=row.agent_name, invited_by=row.invited_by)
