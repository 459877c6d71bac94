"""Services whose answers are written down beforehand, for pages without a database."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, fields

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible import errors
from mgmt_ansible.control_plane import access, pages
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.event_filters import EVERYTHING, EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.responses import ResponseSource
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from tests.unit.pages.scripted_access import (
    CODE,
    SESSION,
    ScriptedAccess,
    ScriptedAudit,
    ScriptedSignIns,
    ScriptedUsers,
)
from tests.unit.pages.scripted_runs import ScriptedAgents, ScriptedRuns
from tests.unit.pages.scripted_values import (
    environment,
    page_of,
)
from tests.unit.pages.scripted_views import ScriptedSavedViews


class ScriptedNotifications:
    """Nobody is told of anything."""

    def __init__(self) -> None:
        self.channels = self.policies = self.log = self

    def list_channels(self, **_: object) -> api_v2.Page:
        return page_of([], 50, 0)

    list_policies = list_mutes = list_log = list_channels


class ScriptedResponses:
    """What was measured of every deployment."""

    def __init__(self, script: Scripted) -> None:
        self._script = script

    def hours(self, deployment_id: str, source: ResponseSource, *, hours: int) -> dict:
        return self._script.responses.get(source, {})


@dataclass
class Scripted:
    """The one script behind all the services below."""

    environments: list = field(default_factory=lambda: [environment()])
    deployments: list = field(default_factory=list)
    actions: list = field(default_factory=list)
    entries: list = field(default_factory=list)  # newest first
    hosts: list = field(default_factory=list)
    inventory: list = field(default_factory=list)
    packages: list = field(default_factory=list)
    specs: dict = field(default_factory=dict)
    rollback_target: object = None
    responses: dict = field(default_factory=dict)  # source -> hour -> responses
    asked: list = field(default_factory=list)
    role: Role = Role.ADMIN
    sessions: set = field(default_factory=lambda: {SESSION})
    codes: set = field(default_factory=lambda: {CODE})
    trouble: str = ""
    followers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def services(self) -> Services:
        scripted = {
            "registry": ScriptedRegistry(self),
            "deployments": ScriptedDeployments(self),
            "actions": ScriptedActions(self),
            "deployment_events": ScriptedEvents(self),
            "access": ScriptedAccess(self),
            "sign_ins": ScriptedSignIns(self),
            "users": ScriptedUsers(),
            "saved_views": ScriptedSavedViews(),
            "audit": ScriptedAudit(),
            "storage": ScriptedStorage(self),
            "runs": ScriptedRuns(),
            "responses": ScriptedResponses(self),
            "agents": ScriptedAgents(),
            "notifications": ScriptedNotifications(),
        }
        return Services(**dict.fromkeys((one.name for one in fields(Services)), None) | scripted)

    def app(self) -> FastAPI:
        """The pages behind an edge that does what the real one promises."""
        app = FastAPI()
        services = self.services()

        @app.middleware("http")
        async def edge(request: Request, answer) -> Response:
            if request.url.path.startswith(("/login", "/static/", "/logout")):
                return await answer(request)
            try:
                request.state.principal = services.access.session(request.cookies.get(access.SESSION_COOKIE, ""))
            except errors.AccessError:
                return RedirectResponse("/login", status_code=303)
            return await answer(request)

        pages.install(app, services)
        return app

    def happen(self, happened: api_v2.DeploymentEvent) -> None:
        with self.lock:
            self.entries.insert(0, happened)


@dataclass
class ScriptedRegistry:
    script: Scripted

    def list_environments(self, filters=None, *, limit=50, offset=0):
        return page_of(self.script.environments, limit, offset)

    def list_hosts(self, environment_id, *, limit=50, offset=0):
        return page_of([InventoryHost(name=name) for name in self.script.inventory], limit, offset)

    def list_packages(self, filters=None, *, limit=50, offset=0):
        return page_of(self.script.packages, limit, offset)


@dataclass
class ScriptedStorage:
    script: Scripted

    def trouble(self):
        return self.script.trouble


@dataclass
class ScriptedDeployments:
    script: Scripted

    def find(self, filters, *, limit=50, offset=0):
        return page_of(self._found(filters), limit, offset)

    def _found(self, filters):
        search = (filters.search or "").lower()
        return [
            one
            for one in self.script.deployments
            if (not filters.environment_id or one.prediction_environment.id == filters.environment_id)
            and (not filters.states or one.state in filters.states)
            and (not filters.healths or one.service_health.status in filters.healths)
            and (not filters.importances or one.importance in filters.importances)
            and (not filters.owners or owner_of(one) in filters.owners)
            and (not filters.package_name or one.model_package.name == filters.package_name)
            and (not search or search in f"{one.label} {one.id} {one.model_package.name}".lower())
        ]

    def tally(self, filters):
        return Counter((one.service_health.status, one.state) for one in self._found(filters))

    def package_names(self):
        return tuple(sorted({one.model_package.name for one in self.script.deployments}))

    def owners(self):
        return tuple(sorted({owner_of(one) for one in self.script.deployments} - {""}))

    def possible_owners(self, deployment_id):
        return ("ada", "bob")

    def update(self, deployment_id, body):
        self.script.asked.append((deployment_id, body.owner))

    def hosts_of(self, deployment_ids):
        return tuple(one for one in self.script.hosts if one.deployment_id in deployment_ids)

    def standings(self, deployment_ids):
        return self.hosts_of(deployment_ids)

    def find_rollback_target(self, deployment_id):
        return self.script.rollback_target

    def act(self, deployment_id, body, asker):
        self.script.asked.append((deployment_id, body.type, body.dry_run, body.failed_only, asker.actor))
        return api_v2.ActionAccepted(id=deployment_id, action_id="c" * 24)

    def replace_model(self, deployment_id, body, asker):
        self.script.asked.append((deployment_id, body.model_package_id, body.dry_run, asker.actor))
        return api_v2.ActionAccepted(id=deployment_id, action_id="c" * 24)

    def get_deployment(self, deployment_id):
        for one in self.script.deployments:
            if one.id == deployment_id:
                return one
        raise errors.NotFoundError(f"deployment {deployment_id}: there is none with this id")


@dataclass
class ScriptedActions:
    script: Scripted

    def get_action(self, action_id):
        return next(one for one in self.script.actions if one.id == action_id)

    def get_spec(self, action_id):
        return self.script.specs[action_id]

    def list_actions(self, *, deployment_id=None, status=None, limit=50, offset=0):
        return page_of([one for one in self.script.actions if one.deployment_id == deployment_id], limit, offset)


@dataclass
class ScriptedEvents:
    script: Scripted

    def list_events(
        self,
        filters=EVERYTHING,
        *,
        before=None,
        after=None,
        limit=50,
        offset=0,
    ):
        with self.script.lock:
            found = [
                one
                for one in self.script.entries
                if (not filters.deployment_id or one.deployment_id == filters.deployment_id)
                and (not filters.healths or one.health in filters.healths)
                and (not filters.hosts or one.host in filters.hosts)
                and all(word in one.title.lower() for word in filters.search.lower().split())
                and (before is None or one.sequence < before)
                and (after is None or one.sequence > after)
            ]
        return api_v2.EventPage(**dict(page_of(found, limit, offset)))

    def get_event(self, entry_id):
        for one in self.script.entries:
            if one.id == entry_id:
                return one
        raise errors.NotFoundError(f"deployment event {entry_id} does not exist, or is older than what is kept")

    def healths(self, deployment_id):
        told = [one for one in self.script.entries if one.deployment_id == deployment_id]
        return tuple((one.timestamp, one.health) for one in told if one.health is not Health.INFO)

    def newest_of(self, deployment_ids):
        with self.script.lock:
            oldest_first = tuple(reversed(self.script.entries))
        return {one.deployment_id: one for one in oldest_first if one.deployment_id in deployment_ids}

    def newest_sequence(self):
        return max((one.sequence for one in self.script.entries), default=0)

    async def follow(
        self,
        after: int,
        filters: EventFilters,
        stop: Callable[[], bool] = lambda: False,
        *,
        admitted: Callable[[], bool],
    ) -> AsyncIterator[api_v2.DeploymentEvent | None]:
        self.script.followers += 1
        try:
            while not stop() and admitted():
                fresh = self.list_events(EventFilters(deployment_id=filters.deployment_id), after=after, limit=500).data
                for one in reversed(fresh):
                    after = one.sequence
                    yield one
                await anyio.sleep(0.05)
        finally:
            self.script.followers -= 1


def owner_of(value: api_v2.Deployment) -> str:
    return value.owners.preview[0].username if value.owners.preview else ""
