"""Tokens, login links and sessions; secrets only as their sha256."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.schema import ACCESS_TOKENS, LOGIN_LINKS, SESSIONS
from mgmt_ansible.wire import api_v2


class AccessRows:
    """Access in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert_token(
        self,
        token_id: str,
        *,
        name: str,
        kind: str,
        role: str | None,
        environment_ids: Sequence[str],
        sha256: str,
        created_at: datetime,
    ) -> None:
        """Add a token."""
        self._connection.execute(
            ACCESS_TOKENS.insert().values(
                id=token_id,
                name=name,
                kind=kind,
                role=role,
                environment_ids=list(environment_ids),
                sha256=sha256,
                created_at=created_at,
            )
        )

    def find_token(self, sha256: str) -> api_v2.AccessToken | None:
        """Return the token with this digest, unless it is revoked."""
        query = ACCESS_TOKENS.select().where(ACCESS_TOKENS.c.sha256 == sha256, ACCESS_TOKENS.c.revoked_at.is_(None))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _to_wire(row)

    def name_taken(self, name: str) -> bool:
        """Tell whether a token that is not revoked has this name."""
        query = sa.select(ACCESS_TOKENS.c.id).where(ACCESS_TOKENS.c.name == name, ACCESS_TOKENS.c.revoked_at.is_(None))
        return self._connection.execute(query).first() is not None

    def any_user_token(self) -> bool:
        """Tell whether any token of a person, revoked or not, was ever made."""
        query = sa.select(ACCESS_TOKENS.c.id).where(ACCESS_TOKENS.c.kind == "user")
        return self._connection.execute(query).first() is not None

    def revoke(self, token_id: str, *, at: datetime) -> bool:
        """Revoke a token and end what was opened with it; False when there is none."""
        statement = ACCESS_TOKENS.update().where(ACCESS_TOKENS.c.id == token_id, ACCESS_TOKENS.c.revoked_at.is_(None))
        changed = self._connection.execute(statement.values(revoked_at=at)).rowcount
        for table in (LOGIN_LINKS, SESSIONS):
            self._connection.execute(table.delete().where(table.c.token_id == token_id))
        return bool(changed)

    def list_tokens(self, *, limit: int, offset: int) -> api_v2.Page[api_v2.AccessToken]:
        """Return the tokens that are not revoked, oldest first."""
        query = ACCESS_TOKENS.select().where(ACCESS_TOKENS.c.revoked_at.is_(None))
        query = query.order_by(ACCESS_TOKENS.c.created_at, ACCESS_TOKENS.c.id)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def insert_login_link(self, sha256: str, *, token_id: str, expires_at: datetime) -> None:
        """Add a login link."""
        self._connection.execute(LOGIN_LINKS.insert().values(sha256=sha256, token_id=token_id, expires_at=expires_at))

    def take_login_link(self, sha256: str, *, now: datetime) -> str | None:
        """Use a login link up; return the id of its token unless it is unknown or expired."""
        query = LOGIN_LINKS.select().where(LOGIN_LINKS.c.sha256 == sha256, LOGIN_LINKS.c.expires_at > now)
        row = self._connection.execute(query).one_or_none()
        self._connection.execute(
            LOGIN_LINKS.delete().where(sa.or_(LOGIN_LINKS.c.sha256 == sha256, LOGIN_LINKS.c.expires_at <= now))
        )
        return None if row is None else str(row.token_id)

    def insert_session(self, sha256: str, *, token_id: str, expires_at: datetime, now: datetime) -> None:
        """Add a session, and forget those that expired."""
        self._connection.execute(SESSIONS.delete().where(SESSIONS.c.expires_at <= now))
        self._connection.execute(SESSIONS.insert().values(sha256=sha256, token_id=token_id, expires_at=expires_at))

    def find_session(self, sha256: str, *, now: datetime) -> api_v2.AccessToken | None:
        """Return the token whose session this is, unless expired or revoked."""
        query = (
            ACCESS_TOKENS.select()
            .join(SESSIONS, SESSIONS.c.token_id == ACCESS_TOKENS.c.id)
            .where(SESSIONS.c.sha256 == sha256, SESSIONS.c.expires_at > now, ACCESS_TOKENS.c.revoked_at.is_(None))
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _to_wire(row)

    def delete_session(self, sha256: str) -> None:
        """End a session."""
        self._connection.execute(SESSIONS.delete().where(SESSIONS.c.sha256 == sha256))


def _to_wire(row: sa.Row[Any]) -> api_v2.AccessToken:
    return api_v2.AccessToken(
        id=row.id,
        name=row.name,
        kind=row.kind,
        role=row.role,
        prediction_environment_ids=row.environment_ids,
        created_at=row.created_at,
    )
