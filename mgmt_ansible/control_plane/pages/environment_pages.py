"""Routes: environments, one with its hosts, agents and deployments, its settings, and a new agent for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible.control_plane.accepting import Asker
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.orphans import LOUD
from mgmt_ansible.control_plane.pages import forms
from mgmt_ansible.control_plane.pages.addresses import number
from mgmt_ansible.control_plane.pages.live import stream_changes
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.run_words import RUN_STATUSES, playbook_word
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.control_plane.store.environments import EnvironmentFilters
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.settings.agent_files import CONFIGURATION
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.orphans import Orphan

PAGE_SIZE = 50
SHOWN_HOSTS = 100
_MOST = 500
_LATE_SECONDS = 120
"""An agent asks for work at least every half minute; one that is silent for so long is away."""

_B = TypeVar("_B", bound=api_v2.WireModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """One environment with all that its page shows."""

    environment: api_v2.PredictionEnvironment
    hosts: tuple[api_v2.EnvironmentHost, ...]
    hosts_total: int
    taken_at: datetime | None
    agents: tuple[api_v2.Agent, ...]
    deployments: tuple[api_v2.Deployment, ...]
    deployments_total: int
    runs: tuple[api_v2.Run, ...]
    checks: Mapping[str, api_v2.HostCheck]
    orphans: tuple[Orphan, ...]
    orphans_total: int
    newest_sequence: int

    @property
    def path(self) -> str:
        """The environment's own address."""
        return f"/environments/{self.environment.id}"

    @property
    def refused_hosts(self) -> int:
        """On how many hosts a run would fail."""
        return sum(check.failed for check in self.checks.values())

    @property
    def quiet_orphans(self) -> int:
        """How many are only what a stop leaves behind."""
        return sum(one.state not in LOUD for one in self.orphans)

    @property
    def loud_orphans(self) -> tuple[Orphan, ...]:
        """Those that run, would after a reboot, or cannot be read."""
        return tuple(one for one in self.orphans if one.state in LOUD)

    def away(self, agent: api_v2.Agent, now: datetime) -> bool:
        """Tell whether an agent has been silent for too long."""
        return (now - agent.last_seen_at).total_seconds() > _LATE_SECONDS


def environment_view(services: Services, environment_id: str, *, every_host: bool) -> EnvironmentView:
    """Gather one environment; NotFoundError."""
    newest_sequence = services.deployment_events.newest_sequence()
    environment = services.registry.get_environment(environment_id)
    hosts = services.registry.list_hosts(environment_id, limit=_MOST if every_host else SHOWN_HOSTS)
    deployments = services.deployments.find(DeploymentFilters(environment_id=environment_id), limit=PAGE_SIZE)
    orphans = services.registry.list_orphans(environment_id, limit=_MOST)
    return EnvironmentView(
        environment=environment,
        hosts=tuple(hosts.data),
        hosts_total=hosts.total_count,
        taken_at=hosts.data[0].taken_at if hosts.data else None,
        agents=agents_of(services, environment_id),
        deployments=tuple(deployments.data),
        deployments_total=deployments.total_count,
        runs=tuple(services.runs.list_runs(RunFilters(environment_id=environment_id), limit=5, hosts=False).data),
        checks={one.host: one for one in services.registry.list_checks(environment_id, limit=_MOST).data},
        orphans=tuple(orphans.data),
        orphans_total=orphans.total_count,
        newest_sequence=newest_sequence,
    )


def agents_of(services: Services, environment_id: str) -> tuple[api_v2.Agent, ...]:
    """Return the agents that serve an environment, by name."""
    return tuple(one for one in services.agents.list_agents(limit=_MOST).data if environment_id in one.environment_ids)


def environment_pages(services: Services, templates: Templates) -> APIRouter:
    """Return the routes of the pages of environments."""
    templates.environment.globals.update(run_statuses=RUN_STATUSES, playbook_word=playbook_word)
    router = APIRouter(prefix="/environments", include_in_schema=False, route_class=page_route(templates))
    _add_environments(router, services, templates)
    _add_environment(router, services, templates)
    _add_invitations(router, services, templates)
    return router


def _show(templates: Templates, request: Request, name: str, **values: object) -> Response:
    principal = request.state.principal
    return templates.shown(
        name, {"place": "/environments", "principal": principal, "may": _Rights(principal), **values}
    )


def _add_environments(router: APIRouter, services: Services, templates: Templates) -> None:
    registry = services.registry

    @router.get("")
    def environments_page(request: Request, search: str = "", offset: str = "") -> Response:
        start = number(offset)
        filters = EnvironmentFilters(search=search.strip()[:200] or None)
        page = registry.list_environments(filters, limit=PAGE_SIZE, offset=start)
        agents = services.agents.list_agents(limit=_MOST).data
        serving = {one.id: [agent for agent in agents if one.id in agent.environment_ids] for one in page.data}
        return _show(
            templates,
            request,
            "environments.html",
            page=page,
            serving=serving,
            search_text=search.strip()[:200],
            offset=start,
        )

    @router.get("/new")
    def new_page(request: Request) -> Response:
        return _show(templates, request, "environment_form.html", environment=None)

    @router.post("/new")
    def create(request: Request, form: forms.Form) -> Response:
        forms.require_same_site(request)
        body = _body(api_v2.PredictionEnvironmentIn, form)
        made = registry.create_environment(body, actor=request.state.principal.name)
        return RedirectResponse(f"/environments/{made.id}", status_code=303)


def _add_environment(router: APIRouter, services: Services, templates: Templates) -> None:
    registry = services.registry

    @router.get("/{environment_id}")
    def environment_page(request: Request, environment_id: str, hosts: str = "") -> Response:
        view = environment_view(services, environment_id, every_host=hosts == "all")
        return _show(templates, request, "environment.html", view=view)

    @router.get("/{environment_id}/live")
    def environment_stream(request: Request, environment_id: str, after: str = "") -> Response:
        registry.get_environment(environment_id)
        return stream_changes(request, services, EventFilters(environment_id=environment_id), after=number(after))

    @router.get("/{environment_id}/edit")
    def edit_page(request: Request, environment_id: str) -> Response:
        return _show(templates, request, "environment_form.html", environment=registry.get_environment(environment_id))

    @router.post("/{environment_id}/edit")
    def change(request: Request, environment_id: str, form: forms.Form) -> Response:
        forms.require_same_site(request)
        body = _body(api_v2.PredictionEnvironmentPatch, form)
        registry.update_environment(environment_id, body, actor=request.state.principal.name)
        return RedirectResponse(f"/environments/{environment_id}", status_code=303)

    @router.post("/{environment_id}/status")
    def look_now(request: Request, environment_id: str, form: forms.Form) -> Response:  # noqa: ARG001 - reads the form away
        forms.require_same_site(request)
        asker = Asker(actor=request.state.principal.name)
        registry.request_status(environment_id, api_v2.ActionIn(type=ActionType.ENVIRONMENT_STATUS), asker)
        return RedirectResponse(f"/environments/{environment_id}", status_code=303)


def _add_invitations(router: APIRouter, services: Services, templates: Templates) -> None:
    registry = services.registry

    @router.get("/{environment_id}/agent")
    def invite_page(request: Request, environment_id: str) -> Response:
        environment = registry.get_environment(environment_id)
        return _show(
            templates, request, "agent_invite.html", environment=environment, url=str(request.base_url).rstrip("/")
        )

    @router.post("/{environment_id}/agent")
    def invite(request: Request, environment_id: str, form: forms.Form) -> Response:
        forms.require_same_site(request)
        environment = registry.get_environment(environment_id)
        name, url = forms.last(form, "name").strip(), forms.last(form, "url").strip()
        if forms.last(form, "by_hand"):
            token = services.access.create_token(name=name, kind="agent", environment_ids=[environment_id])
            made = services.invitations.describe(environment_id, url=url)
            return _show(templates, request, "agent_by_hand.html", environment=environment, token=token, made=made)
        body = forms.checked(api_v2.AgentInvitationIn, {"agent_name": name, "control_plane_url": url})
        invitation = services.invitations.invite(
            environment_id, body, actor=request.state.principal.name, url=str(request.base_url)
        )
        return _show(
            templates, request, "agent_invited.html", environment=environment, invitation=invitation, file=CONFIGURATION
        )


class _Rights:
    """What somebody may do on these pages."""

    def __init__(self, principal: Principal) -> None:
        self._role = principal.role

    def _covers(self, needed: Role) -> bool:
        return self._role is None or self._role.covers(needed)

    @property
    def look(self) -> bool:
        """Ask for a look at hosts."""
        return self._covers(Role.OPERATOR)

    @property
    def change(self) -> bool:
        """Change environments, and invite agents."""
        return self._covers(Role.ADMIN)


def _body(model: type[_B], form: dict[str, list[str]]) -> _B:
    fields = {
        "name": forms.last(form, "name").strip(),
        "description": forms.last(form, "description").strip(),
        "managed_by": forms.last(form, "managed_by") or None,
        "status_interval_seconds": forms.last(form, "status_interval_seconds") or None,
    }
    return forms.checked(model, fields)
