"""`predictionEnvironments/`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mgmt_ansible.control_plane.api.asking import Asking, AskingFor, Paging, accepted, all_permitted, permitted
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.environments import EnvironmentFilters
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.orphans import Orphan


def environment_router(services: Services) -> APIRouter:
    """Return the routes of prediction environments and their hosts."""
    router = APIRouter(prefix="/predictionEnvironments", tags=["prediction environments"])
    _add_environments(router, services)
    _add_what_is_there(router, services)
    return router


def _add_environments(router: APIRouter, services: Services) -> None:
    registry = services.registry

    @router.get("/")
    def list_prediction_environments(
        paging: Paging,
        principal: Asking,
        search: Annotated[str | None, Query(max_length=200)] = None,
        platform: api_v2.Platform | None = None,
        managed_by: Annotated[api_v2.ManagedBy | None, Query(alias="managedBy")] = None,
    ) -> api_v2.Page[api_v2.PredictionEnvironment]:
        """List environments by name; `search` looks into name, description and id."""
        managed = None if managed_by is None else managed_by is api_v2.ManagedBy.MANAGEMENT_AGENT
        filters = EnvironmentFilters(search=search, platform=platform, managed=managed)
        found = paging.page(registry.list_environments(filters, limit=paging.limit, offset=paging.offset))
        return all_permitted(found, principal, changed_by=Role.ADMIN)

    @router.post("/", status_code=201)
    def create_prediction_environment(
        body: api_v2.PredictionEnvironmentIn, principal: Asking
    ) -> api_v2.PredictionEnvironment:
        """Create an environment; 409 when the name is taken."""
        made = registry.create_environment(body, actor=principal.name)
        return permitted(made, principal, changed_by=Role.ADMIN)

    @router.get("/{environment_id}/")
    def get_prediction_environment(environment_id: str, principal: Asking) -> api_v2.PredictionEnvironment:
        """Return one environment."""
        return permitted(registry.get_environment(environment_id), principal, changed_by=Role.ADMIN)

    @router.patch("/{environment_id}/")
    def change_prediction_environment(
        environment_id: str, body: api_v2.PredictionEnvironmentPatch, principal: Asking
    ) -> api_v2.PredictionEnvironment:
        """Change an environment; 409 when it shall be self-managed while an agent is at work there."""
        changed = registry.update_environment(environment_id, body, actor=principal.name)
        return permitted(changed, principal, changed_by=Role.ADMIN)

    @router.delete("/{environment_id}/", status_code=204, responses={410: {"model": api_v2.Problem}})
    def delete_prediction_environment(environment_id: str) -> None:
        """Delete an environment; 410 when it was deleted before, 422 while deployments use it."""
        registry.delete_environment(environment_id)


def _add_what_is_there(router: APIRouter, services: Services) -> None:
    registry = services.registry

    @router.get("/{environment_id}/hosts/")
    def list_hosts(environment_id: str, paging: Paging) -> api_v2.Page[api_v2.EnvironmentHost]:
        """List the hosts that the agent's inventory has for it."""
        return paging.page(registry.list_hosts(environment_id, limit=paging.limit, offset=paging.offset))

    @router.get("/{environment_id}/hostChecks/")
    def list_host_checks(environment_id: str, paging: Paging) -> api_v2.Page[api_v2.HostCheck]:
        """List what the newest look at each host found, hosts on which a run would fail first."""
        return paging.page(registry.list_checks(environment_id, limit=paging.limit, offset=paging.offset))

    @router.get("/{environment_id}/orphans/")
    def list_orphans(environment_id: str, paging: Paging) -> api_v2.Page[Orphan]:
        """List what lies on its hosts and is no deployment here; what runs comes first."""
        return paging.page(registry.list_orphans(environment_id, limit=paging.limit, offset=paging.offset))

    @router.post("/{environment_id}/agentInvitations/", status_code=201)
    def invite_agent(
        request: Request, environment_id: str, body: api_v2.AgentInvitationIn, principal: Asking
    ) -> api_v2.AgentInvitation:
        """Make a one-time code with which a new agent fetches its token, and what to type on its machine."""
        url = str(request.base_url)
        return services.invitations.invite(environment_id, body, actor=principal.name, url=url)

    @router.post("/{environment_id}/actions/", status_code=202)
    def ask_for_environment_status(
        environment_id: str, body: api_v2.ActionIn, asker: AskingFor, response: Response
    ) -> api_v2.ActionAccepted:
        """Look at all deployments of the environment."""
        return accepted(response, registry.request_status(environment_id, body, asker))
