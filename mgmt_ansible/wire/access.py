"""`/api/v2`: tokens and links that open the pages."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire.basics import WireModel


class AccessTokenIn(WireModel):
    """Body of `POST accessTokens/`; an agent's token names the environments that it may serve, a user's has a role."""

    name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._@ -]+$")
    kind: str = Field(pattern="^(user|agent)$")
    role: Role = Role.VIEWER
    prediction_environment_ids: list[str] = Field(default=[])


class AccessToken(WireModel):
    """A token; `token` is in the answer to its creation only, and `role` is null for agents."""

    id: str
    name: str
    kind: str
    role: Role | None = None
    prediction_environment_ids: list[str]
    created_at: datetime
    token: str | None = None


class LoginLink(WireModel):
    """A one-time link that opens the pages; `path` is relative to the control plane's URL."""

    path: str
    expires_at: datetime
