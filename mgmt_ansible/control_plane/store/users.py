"""Users: people with a name, a role, and perhaps a password of which only the hash is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.access_tables import ACCESS_TOKENS, LOGIN_LINKS, SESSIONS, USERS
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.records import UserRecord
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2


class UserRows:
    """Users in one transaction; names are unique whatever their case."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(
        self,
        user_id: str,
        *,
        name: str,
        password_hash: str | None,
        role: Role,
        environment_ids: Sequence[str],
        created_at: datetime,
    ) -> None:
        """Add one."""
        self._connection.execute(
            USERS.insert().values(
                id=user_id,
                name=name,
                folded_name=name.casefold(),
                password_hash=password_hash,
                role=role.value,
                environment_ids=list(environment_ids),
                disabled=False,
                created_at=created_at,
            )
        )

    def update(self, user_id: str, values: Mapping[str, object]) -> None:
        """Change columns of one."""
        self._connection.execute(USERS.update().where(USERS.c.id == user_id).values(**values))

    def find_by_name(self, name: str) -> UserRecord | None:
        """Return one by its name."""
        query = USERS.select().where(USERS.c.folded_name == name.casefold())
        row = self._connection.execute(query).one_or_none()
        return None if row is None else user_of(row)

    def record(self, user_id: str) -> UserRecord:
        """Return one as rules see it; NotFoundError."""
        return user_of(self._row(user_id))

    def get(self, user_id: str) -> api_v2.User:
        """Return one; NotFoundError."""
        return _to_wire(self._row(user_id))

    def list(self, *, limit: int, offset: int) -> api_v2.Page[api_v2.User]:
        """Return users by name."""
        query = USERS.select().order_by(USERS.c.folded_name)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def end_sessions(self, user_id: str) -> None:
        """End every session of a user, and of the user's tokens, and the links that would open one."""
        tokens = sa.select(ACCESS_TOKENS.c.id).where(ACCESS_TOKENS.c.user_id == user_id)
        for table in (LOGIN_LINKS, SESSIONS):
            of_user = sa.or_(table.c.user_id == user_id, table.c.token_id.in_(tokens))
            self._connection.execute(table.delete().where(of_user))

    def _row(self, user_id: str) -> sa.Row[Any]:
        row = self._connection.execute(USERS.select().where(USERS.c.id == user_id)).one_or_none()
        if row is None:
            raise errors.NotFoundError(f"user {user_id} does not exist")
        return row


def user_of(row: sa.Row[Any]) -> UserRecord:
    """Return a row of the table of users."""
    return UserRecord(
        id=row.id,
        name=row.name,
        password_hash=row.password_hash,
        role=Role(row.role),
        environment_ids=tuple(row.environment_ids),
        disabled=row.disabled,
    )


def _to_wire(row: sa.Row[Any]) -> api_v2.User:
    return api_v2.User(
        id=row.id,
        name=row.name,
        role=row.role,
        prediction_environment_ids=row.environment_ids,
        has_password=row.password_hash is not None,
        disabled=row.disabled,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
    )
