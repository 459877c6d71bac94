"""Tokens, login links and sessions; secrets only as their sha256."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.access_tables import ACCESS_TOKENS, LOGIN_LINKS, SESSIONS, USERS
from mgmt_ansible.control_plane.store.paging import page_of
from mgmt_ansible.control_plane.store.records import SessionRecord, TokenRecord, UserRecord
from mgmt_ansible.control_plane.store.users import user_of
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2

Owner = TokenRecord | UserRecord
"""Whose a login link or a session is."""

_VALID = ACCESS_TOKENS.c.revoked_at.is_(None)


class AccessRows:
    """Access in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert_token(self, token: api_v2.AccessToken, *, sha256: str) -> None:
        """Add a token."""
        self._connection.execute(
            ACCESS_TOKENS.insert().values(
                id=token.id,
                name=token.name,
                kind=token.kind,
                role=token.role.value if token.role else None,
                user_id=token.user_id,
                environment_ids=token.prediction_environment_ids,
                sha256=sha256,
                created_at=token.created_at,
            )
        )

    def find_token(self, sha256: str) -> TokenRecord | None:
        """Return the token with this digest, unless it is revoked."""
        row = self._connection.execute(
            ACCESS_TOKENS.select().where(ACCESS_TOKENS.c.sha256 == sha256, _VALID)
        ).one_or_none()
        return None if row is None else self._record(row)

    def find_token_by_id(self, token_id: str) -> TokenRecord | None:
        """Return the token with this id, unless it is revoked."""
        row = self._connection.execute(
            ACCESS_TOKENS.select().where(ACCESS_TOKENS.c.id == token_id, _VALID)
        ).one_or_none()
        return None if row is None else self._record(row)

    def name_taken(self, name: str) -> bool:
        """Tell whether a token that is not revoked, or a user, has this name."""
        token = sa.select(ACCESS_TOKENS.c.id).where(ACCESS_TOKENS.c.name == name, _VALID)
        user = sa.select(USERS.c.id).where(USERS.c.folded_name == name.casefold())
        return any(self._connection.execute(query).first() is not None for query in (token, user))

    def any_user_token(self) -> bool:
        """Tell whether any token of a person, revoked or not, was ever made."""
        query = sa.select(ACCESS_TOKENS.c.id).where(ACCESS_TOKENS.c.kind == "user")
        return self._connection.execute(query).first() is not None

    def any_admin(self) -> bool:
        """Tell whether anybody can still administrate: a user with a password, or whoever holds a token."""
        user = USERS.c.role == Role.ADMIN.value, USERS.c.disabled.is_(False)
        tokens = sa.select(ACCESS_TOKENS.c.id).outerjoin(USERS, USERS.c.id == ACCESS_TOKENS.c.user_id)
        tokens = tokens.where(_VALID, ACCESS_TOKENS.c.role == Role.ADMIN.value)
        tokens = tokens.where(sa.or_(ACCESS_TOKENS.c.user_id.is_(None), sa.and_(*user)))
        users = sa.select(USERS.c.id).where(*user, USERS.c.password_hash.is_not(None))
        return any(self._connection.execute(query).first() is not None for query in (tokens, users))

    def revoke(self, token_id: str, *, at: datetime) -> bool:
        """Revoke a token and end what was opened with it; False when there is none."""
        statement = ACCESS_TOKENS.update().where(ACCESS_TOKENS.c.id == token_id, _VALID)
        changed = self._connection.execute(statement.values(revoked_at=at)).rowcount
        for table in (LOGIN_LINKS, SESSIONS):
            self._connection.execute(table.delete().where(table.c.token_id == token_id))
        return bool(changed)

    def list_tokens(self, *, limit: int, offset: int) -> api_v2.Page[api_v2.AccessToken]:
        """Return the tokens that are not revoked, oldest first."""
        query = ACCESS_TOKENS.select().where(_VALID).order_by(ACCESS_TOKENS.c.created_at, ACCESS_TOKENS.c.id)
        return page_of(self._connection, query, limit=limit, offset=offset, make=_to_wire)

    def user_tokens(self, *, limit: int) -> tuple[TokenRecord, ...]:
        """Return the tokens of people and services that are not revoked, oldest first."""
        query = ACCESS_TOKENS.select().where(_VALID, ACCESS_TOKENS.c.kind == "user")
        rows = self._connection.execute(query.order_by(ACCESS_TOKENS.c.created_at, ACCESS_TOKENS.c.id).limit(limit))
        return tuple(self._record(row) for row in rows)

    def insert_login_link(self, sha256: str, *, owner: Owner, expires_at: datetime, now: datetime) -> None:
        """Add a login link, and forget those that expired."""
        self._connection.execute(LOGIN_LINKS.delete().where(LOGIN_LINKS.c.expires_at <= now))
        self._connection.execute(LOGIN_LINKS.insert().values(sha256=sha256, expires_at=expires_at, **_columns(owner)))

    def take_login_link(self, sha256: str, *, now: datetime) -> Owner | None:
        """Use a login link up; return whose it is, unless it is unknown or expired."""
        query = LOGIN_LINKS.select().where(LOGIN_LINKS.c.sha256 == sha256, LOGIN_LINKS.c.expires_at > now)
        row = self._connection.execute(query).one_or_none()
        self._connection.execute(LOGIN_LINKS.delete().where(LOGIN_LINKS.c.sha256 == sha256))
        return None if row is None else self._owner(row)

    def insert_session(self, sha256: str, *, owner: Owner, expires_at: datetime, now: datetime) -> None:
        """Add a session, and forget those that expired."""
        self._connection.execute(SESSIONS.delete().where(SESSIONS.c.expires_at <= now))
        values = {"sha256": sha256, "seen_at": now, "expires_at": expires_at}
        self._connection.execute(SESSIONS.insert().values(**values, **_columns(owner)))

    def find_session(self, sha256: str, *, now: datetime, seen_since: datetime) -> SessionRecord | None:
        """Return a session, unless it expired, was not used since a time, or belongs to nobody any more."""
        query = SESSIONS.select().where(
            SESSIONS.c.sha256 == sha256, SESSIONS.c.expires_at > now, SESSIONS.c.seen_at > seen_since
        )
        row = self._connection.execute(query).one_or_none()
        owner = None if row is None else self._owner(row)
        if row is None or owner is None:
            return None
        token, user = (owner, None) if isinstance(owner, TokenRecord) else (None, owner)
        return SessionRecord(token=token, user=user, seen_at=row.seen_at)

    def touch_session(self, sha256: str, *, now: datetime) -> None:
        """Note that a session is used."""
        self._connection.execute(SESSIONS.update().where(SESSIONS.c.sha256 == sha256).values(seen_at=now))

    def delete_session(self, sha256: str) -> None:
        """End a session."""
        self._connection.execute(SESSIONS.delete().where(SESSIONS.c.sha256 == sha256))

    def _owner(self, row: sa.Row[Any]) -> Owner | None:
        return self.find_token_by_id(row.token_id) if row.user_id is None else self._user(row.user_id)

    def _user(self, user_id: str) -> UserRecord | None:
        row = self._connection.execute(USERS.select().where(USERS.c.id == user_id)).one_or_none()
        return None if row is None else user_of(row)

    def _record(self, row: sa.Row[Any]) -> TokenRecord:
        return TokenRecord(
            id=row.id,
            name=row.name,
            kind=row.kind,
            role=None if row.role is None else Role(row.role),
            environment_ids=tuple(row.environment_ids),
            user=None if row.user_id is None else self._user(row.user_id),
        )


def _columns(owner: Owner) -> dict[str, str]:
    return {"token_id" if isinstance(owner, TokenRecord) else "user_id": owner.id}


def _to_wire(row: sa.Row[Any]) -> api_v2.AccessToken:
    return api_v2.AccessToken(
        id=row.id,
        name=row.name,
        kind=row.kind,
        role=row.role,
        user_id=row.user_id,
        prediction_environment_ids=row.environment_ids,
        created_at=row.created_at,
    )
