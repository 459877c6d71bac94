"""`users/`, `accessTokens/`, `loginLinks/`, `agents/` and `version/`."""

from __future__ import annotations

from fastapi import APIRouter

import mgmt_ansible
from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2

API_VERSION = (2, 49)
"""The vendor's API version whose shapes we follow: its clients refuse below 2.25 and warn below 2.49."""


def access_router(services: Services) -> APIRouter:
    """Return the routes of users, tokens, login links, agents and versions."""
    router = APIRouter(tags=["access"])
    access = services.access
    _add_users(router, services)

    @router.get("/version/")
    def get_version() -> api_v2.Version:
        """Return versions."""
        major, minor = API_VERSION
        return api_v2.Version(
            version_string=f"{major}.{minor}.0",
            major=major,
            minor=minor,
            mgmt_ansible_version=mgmt_ansible.__version__,
        )

    @router.get("/accessTokens/")
    def list_access_tokens(paging: Paging) -> api_v2.Page[api_v2.AccessToken]:
        """List tokens that are not revoked; their text is never told again."""
        return paging.page(access.list_tokens(limit=paging.limit, offset=paging.offset))

    @router.post("/accessTokens/", status_code=201)
    def create_access_token(body: api_v2.AccessTokenIn) -> api_v2.AccessToken:
        """Create a token; the answer alone has its text."""
        return access.create_token(
            name=body.name,
            kind=body.kind,
            role=body.role,
            environment_ids=body.prediction_environment_ids,
            user_id=body.user_id,
        )

    @router.delete("/accessTokens/{token_id}/", status_code=204)
    def revoke_access_token(token_id: str) -> None:
        """Revoke a token, with the sessions that it opened."""
        access.revoke(token_id)

    @router.post("/loginLinks/", status_code=201)
    def create_login_link(principal: Asking) -> api_v2.LoginLink:
        """Create a one-time link that opens the pages."""
        return access.create_login_link(principal)

    @router.get("/agents/")
    def list_agents(paging: Paging) -> api_v2.Page[api_v2.Agent]:
        """List agents with when they were last seen."""
        return paging.page(services.agents.list_agents(limit=paging.limit, offset=paging.offset))

    return router


def _add_users(router: APIRouter, services: Services) -> None:
    users = services.users

    @router.get("/users/")
    def list_users(paging: Paging) -> api_v2.Page[api_v2.User]:
        """List users by name; passwords are never told."""
        return paging.page(users.list_users(limit=paging.limit, offset=paging.offset))

    @router.post("/users/", status_code=201)
    def create_user(body: api_v2.UserIn) -> api_v2.User:
        """Create a user; 409 when the name is taken."""
        return users.create_user(body)

    @router.get("/users/{user_id}/")
    def get_user(user_id: str) -> api_v2.User:
        """Return one user."""
        return users.get_user(user_id)

    @router.patch("/users/{user_id}/")
    def change_user(user_id: str, body: api_v2.UserPatch) -> api_v2.User:
        """Change role or password, or disable; ends the user's sessions where they may less, or the password is new."""
        return users.change_user(user_id, body)
