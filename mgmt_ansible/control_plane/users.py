"""Users: people with a name, a role, a scope, and perhaps a password."""

from __future__ import annotations

from collections.abc import Sequence

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access_rules import check_scope, check_some_admin
from mgmt_ansible.control_plane.passwords import Passwords
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.records import UserRecord
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2


class Users:
    """Reads and changes users; NotFoundError for unknown ids."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    def list_users(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.User]:
        """Return users by name."""
        with self._store.read() as tx:
            return tx.users.list(limit=limit, offset=offset)

    def get_user(self, user_id: str) -> api_v2.User:
        """Return one."""
        with self._store.read() as tx:
            return tx.users.get(user_id)

    def create_user(self, body: api_v2.UserIn) -> api_v2.User:
        """Create one; without a password only tokens and login links let this user in.

        Raises:
            ConflictError: A user, or a token, has this name.
            InvalidRequestError: The password is the name.
        """
        password_hash = self._hash(body.name, body.password)
        user_id = make_id()
        check_scope(body.role, body.prediction_environment_ids)
        with self._store.write() as tx:
            _check_environments(tx, body.prediction_environment_ids)
            if tx.access.name_taken(body.name):
                raise errors.ConflictError(f"a user or an access token is named {body.name} already: take another name")
            tx.users.insert(
                user_id,
                name=body.name,
                password_hash=password_hash,
                role=body.role,
                environment_ids=body.prediction_environment_ids,
                created_at=tx.now,
            )
            tx.audit.about("user", user_id, summary=f"{body.name} created with role {body.role}", action="create_user")
            return tx.users.get(user_id)

    def change_user(self, user_id: str, change: api_v2.UserPatch) -> api_v2.User:
        """Change one; absent fields stay.

        The user's sessions end with a new password, a lesser role, and when the user is disabled.

        Raises:
            ConflictError: Nobody could administrate any more.
            InvalidRequestError: The password is the name.
        """
        password_hash = self._hash(self.get_user(user_id).name, change.password)
        with self._store.write() as tx:
            before = tx.users.record(user_id)
            values: dict[str, object] = {}
            if change.role is not None:
                values["role"] = change.role.value
            if change.prediction_environment_ids is not None:
                _check_environments(tx, change.prediction_environment_ids)
                values["environment_ids"] = change.prediction_environment_ids
            if change.disabled is not None:
                values["disabled"] = change.disabled
            if password_hash is not None:
                values["password_hash"] = password_hash
            if values:
                tx.users.update(user_id, values)
                check_scope(tx.users.record(user_id).role, tx.users.record(user_id).environment_ids)
                _end_sessions(tx, before, new_password=password_hash is not None)
                tx.audit.about("user", user_id, summary=_changes(before, change), action="change_user")
            return tx.users.get(user_id)

    def _hash(self, name: str, password: api_v2.Password | None) -> str | None:
        if password is None:
            return None
        text = password.get_secret_value()
        if text.casefold() == name.casefold():
            raise errors.InvalidRequestError("password: is the name: take another")
        return self._passwords.hash(text)


def _check_environments(tx: Transaction, environment_ids: Sequence[str]) -> None:
    for environment_id in environment_ids:
        tx.environments.record(environment_id)


def _changes(before: UserRecord, change: api_v2.UserPatch) -> str:
    told = [f"role {before.role} -> {change.role}"] if change.role is not None else []
    told += [] if change.prediction_environment_ids is None else ["other environments"]
    told += [] if change.disabled is None else ["disabled" if change.disabled else "enabled"]
    told += [] if change.password is None else ["new password"]
    return f"{before.name}: {', '.join(told)}"


def _end_sessions(tx: Transaction, before: UserRecord, *, new_password: bool) -> None:
    after = tx.users.record(before.id)
    narrowed = after.environment_ids != before.environment_ids
    if new_password or narrowed or after.disabled or not after.role.covers(before.role):
        tx.users.end_sessions(before.id)
    if before.role is Role.ADMIN and (after.disabled or after.role is not Role.ADMIN):
        check_some_admin(tx)
