"""The pages: server-rendered HTML over the services, live by server-sent events.

Files: `navigation` (the bar), `routes` (what is shown where), `action_routes` and `asking` (what can be done, and the
question before it), `sign_in`, `live` (streams), `deployment_list`, `deployment_page`, `event_list`, `matrix` (what a
template gets), `forms`, `addresses`, `words` (icon, colour and word of each state), `templating`, `problems` (friendly errors), `static_files` (hashed, cached for
ever); `templates/layout.html` is the frame, `templates/parts.html` what pages share.
"""

from __future__ import annotations

from fastapi import FastAPI

from mgmt_ansible.control_plane.pages.access_pages import access_pages
from mgmt_ansible.control_plane.pages.action_routes import action_router
from mgmt_ansible.control_plane.pages.environment_pages import environment_pages
from mgmt_ansible.control_plane.pages.notifications import notification_pages
from mgmt_ansible.control_plane.pages.owner_page import owner_router
from mgmt_ansible.control_plane.pages.package_pages import package_pages
from mgmt_ansible.control_plane.pages.routes import page_router
from mgmt_ansible.control_plane.pages.runs import run_pages
from mgmt_ansible.control_plane.pages.saved_views import saved_view_pages
from mgmt_ansible.control_plane.pages.sign_in import sign_in_router
from mgmt_ansible.control_plane.pages.static_files import StaticFiles
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services

__all__ = ["ROUTERS", "StaticFiles", "Templates", "install"]

ROUTERS = (
    sign_in_router,
    page_router,
    action_router,
    owner_router,
    run_pages,
    environment_pages,
    package_pages,
    notification_pages,
    access_pages,
    saved_view_pages,
)
"""Each makes a router from the services and the templates."""


def install(app: FastAPI, services: Services) -> Templates:
    """Add the pages to an application.

    `/login` and `/static/` are for everybody; whoever reaches another page must be signed in already, which the HTTP edge
    sees to (`mgmt_ansible.control_plane.services`).

    Returns:
        The templates, with which the HTTP edge can answer `problems.problem_page` to browsers.
    """
    static_files = StaticFiles.load()
    templates = Templates.load(static_files, trouble=services.storage.trouble)
    app.include_router(static_files.router())
    for make_router in ROUTERS:
        app.include_router(make_router(services, templates))
    return templates
