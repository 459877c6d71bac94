"""`/api/v2`: users, tokens, and links that open the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, SecretStr, field_serializer

from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire.basics import NAME_PATTERN, WireModel

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

Password = SecretStr
_Password = Annotated[Password, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
_Name = Annotated[str, Field(min_length=1, max_length=128, pattern=NAME_PATTERN)]


class _WithPassword(WireModel):
    password: _Password | None = None

    @field_serializer("password", when_used="json")
    def _sent(self, password: Password | None) -> str | None:
        """Return what the client sends; everywhere else a password stays hidden."""
        return None if password is None else password.get_secret_value()


class UserIn(_WithPassword):
    """Body of `POST users/`; without a password only tokens and login links let the user in."""

    name: _Name
    role: Role = Role.VIEWER
    prediction_environment_ids: list[str] = Field(default=[], max_length=500)


class UserPatch(_WithPassword):
    """Body of `PATCH users/{id}/`; absent fields stay."""

    role: Role | None = None
    prediction_environment_ids: list[str] | None = Field(default=None, max_length=500)
    disabled: bool | None = None


class User(WireModel):
    """A user; a password is never told, nor its hash."""

    id: str
    name: str
    role: Role
    prediction_environment_ids: list[str] = Field(default=[])
    has_password: bool
    disabled: bool
    created_at: datetime
    signed_in_at: datetime | None


class AccessTokenIn(WireModel):
    """Body of `POST accessTokens/`.

    An agent's token names the environments that it may serve. A person's has a role, belongs to a user (`user_id`), beyond
    whom it never may, or to a service, and may name the environments that are all it sees.
    """

    name: _Name
    kind: str = Field(pattern="^(user|agent)$")
    role: Role = Role.VIEWER
    user_id: str | None = None
    prediction_environment_ids: list[str] = Field(default=[])


class AccessToken(WireModel):
    """A token; `token` is in the answer to its creation only, and `role` is null for agents."""

    id: str
    name: str
    kind: str
    role: Role | None = None
    user_id: str | None = None
    prediction_environment_ids: list[str]
    created_at: datetime
    token: str | None = None


class LoginLink(WireModel):
    """A one-time link that opens the pages; `path` is relative to the control plane's URL."""

    path: str
    expires_at: datetime
