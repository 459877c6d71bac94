"""The services of the control plane: all that HTTP routes and pages may call.

Every method returns models of `mgmt_ansible.wire.api_v2` (or plain domain values), blocks on the database for
milliseconds, and raises only `mgmt_ansible.errors`. Call them from plain `def` handlers; `DeploymentEvents.follow` is
the one asynchronous iterator.

For pages: `pages.install(app, services)` is called once by `api.create_app`. Whoever reaches a page is signed in: the
HTTP edge sends everybody else to `/login`, and puts the `access.Principal` at `request.state.principal`. `/login` and
`/static/` are open. `/login` sets the cookie `access.SESSION_COOKIE` with `access.COOKIE_ATTRIBUTES` to what
`sign_ins` returns.
"""

from __future__ import annotations

from dataclasses import dataclass

from mgmt_ansible.control_plane.access import Access, SessionLimits
from mgmt_ansible.control_plane.actions import Actions
from mgmt_ansible.control_plane.agent_wheels import AgentWheels
from mgmt_ansible.control_plane.agents import Agents
from mgmt_ansible.control_plane.audit import Audit
from mgmt_ansible.control_plane.deployment_details import DeploymentDetails
from mgmt_ansible.control_plane.deployment_events import DeploymentEvents
from mgmt_ansible.control_plane.deployments import Deployments
from mgmt_ansible.control_plane.exporting import Exports
from mgmt_ansible.control_plane.history import History
from mgmt_ansible.control_plane.hooks import HookKeys, Hooks
from mgmt_ansible.control_plane.invitations import Invitations
from mgmt_ansible.control_plane.monitoring import Monitoring
from mgmt_ansible.control_plane.notifications import Notifications
from mgmt_ansible.control_plane.notifying.options import NotifyingOptions
from mgmt_ansible.control_plane.package_files import PackageFiles
from mgmt_ansible.control_plane.passwords import Passwords
from mgmt_ansible.control_plane.registered_models import RegisteredModels
from mgmt_ansible.control_plane.registry import ReadPackage, Registry
from mgmt_ansible.control_plane.responses import ResponseHours
from mgmt_ansible.control_plane.retention import Retention
from mgmt_ansible.control_plane.runs import Runs
from mgmt_ansible.control_plane.saved_views import SavedViews
from mgmt_ansible.control_plane.sign_ins import SignIns
from mgmt_ansible.control_plane.storage import Storage
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.tagging import Tagging
from mgmt_ansible.control_plane.users import Users
from mgmt_ansible.control_plane.wakeups import Wakeups


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a route or a page can ask for.

    Attributes:
        registry: Prediction environments (with their hosts) and model packages.
        registered_models: Names, versions and aliases of model packages.
        deployments: Deployments and every change of what is wanted.
        deployment_details: Settings, capabilities, checks before a replacement.
        tagging: Tags and key-values.
        monitoring: What monitors report of deployments.
        hooks: Inbound webhooks.
        actions: Actions as people see them, and cancel.
        deployment_events: The feed.
        exports: Lists as files.
        runs: Runs as agents reported them, and their logs.
        agents: What agents ask and tell: hello, claims, heartbeats, reports.
        access: Tokens, login links, sessions.
        invitations: One-time codes for new agents, and what they are installed from.
        audit: Who changed what.
        history: What deployments were.
        responses: How long they took to respond.
        users: People with a role, and perhaps a password.
        saved_views: Names that people gave to filters.
        sign_ins: Ways into the pages.
        retention: How long the feed and runs are kept, and what is held.
        notifications: Who is told of what, and what was sent.
        storage: Whether there is room, and the database is whole.
        wakeups: For whoever waits for changes; `wakeups.stopping` tells streams to end.
    """

    registry: Registry
    registered_models: RegisteredModels
    deployments: Deployments
    deployment_details: DeploymentDetails
    tagging: Tagging
    monitoring: Monitoring
    hooks: Hooks
    actions: Actions
    deployment_events: DeploymentEvents
    exports: Exports
    runs: Runs
    agents: Agents
    access: Access
    invitations: Invitations
    audit: Audit
    history: History
    responses: ResponseHours
    users: Users
    saved_views: SavedViews
    sign_ins: SignIns
    retention: Retention
    notifications: Notifications
    storage: Storage
    wakeups: Wakeups


def build_services(
    store: Store,
    files: PackageFiles,
    read_package: ReadPackage,
    *,
    session_limits: SessionLimits | None = None,
    passwords: Passwords | None = None,
    notifying: NotifyingOptions | None = None,
) -> Services:
    """Return the services over a prepared store and a prepared folder of archives."""
    wakeups = Wakeups()
    access = Access(store, session_limits or SessionLimits())
    passwords = passwords or Passwords()
    feed = DeploymentEvents(store, wakeups)
    return Services(
        registry=Registry(store, wakeups, files, read_package),
        registered_models=RegisteredModels(store),
        deployments=Deployments(store, wakeups),
        deployment_details=DeploymentDetails(store, files),
        tagging=Tagging(store),
        monitoring=Monitoring(store, wakeups),
        hooks=Hooks(store, wakeups, HookKeys(files.directory.parent / "webhooks.key")),
        actions=Actions(store, wakeups),
        deployment_events=feed,
        exports=Exports(store, feed, wakeups, folder=files.directory),
        runs=Runs(store, wakeups),
        agents=Agents(store, wakeups),
        access=access,
        invitations=Invitations(store, access, AgentWheels()),
        audit=Audit(store, wakeups),
        history=History(store),
        responses=ResponseHours(store),
        users=Users(store, passwords),
        saved_views=SavedViews(store),
        sign_ins=SignIns(store, access, passwords),
        retention=Retention(store, wakeups),
        notifications=Notifications(store, notifying or NotifyingOptions()),
        storage=Storage(store),
        wakeups=wakeups,
    )
