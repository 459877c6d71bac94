"""Routes for administrators: users and tokens, and the audit with whether its chain is whole."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible.control_plane.pages.addresses import address, number
from mgmt_ansible.control_plane.pages.forms import Form, checked, last, require_same_site
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import audit as audit_shapes

_MOST = 500
_PAGE = 50


def access_pages(services: Services, templates: Templates) -> APIRouter:
    """Return the routes of `/access` and `/audit`."""
    router = APIRouter(include_in_schema=False, route_class=page_route(templates))
    _add_access(router, services, templates)
    _add_changes(router, services, templates)
    _add_audit(router, services, templates)
    return router


def _add_access(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/access")
    def access_page(request: Request) -> Response:
        return _access_page(request, services, templates)


def _access_page(
    request: Request, services: Services, templates: Templates, made: api_v2.AccessToken | None = None
) -> Response:
    """Return users and tokens; a token that was just made is told this once."""
    users = services.users.list_users(limit=_MOST)
    return templates.page(
        "access.html",
        place="/access",
        users=users.data,
        names={user.id: user.name for user in users.data},
        tokens=services.access.list_tokens(limit=_MOST),
        environments={one.id: one.name for one in services.registry.list_environments(limit=_MOST).data},
        roles=tuple(Role),
        made=made,
        principal=request.state.principal,
    )


def _add_changes(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.post("/access/users")
    def add_user(request: Request, form: Form) -> Response:
        require_same_site(request)
        fields = {**_common(form), "password": last(form, "password") or None}
        services.users.create_user(checked(api_v2.UserIn, fields))
        return RedirectResponse("/access", status_code=303)

    @router.post("/access/users/{user_id}")
    def change_user(request: Request, user_id: str, form: Form) -> Response:
        require_same_site(request)
        fields: dict[str, object] = {name: last(form, name) for name in ("role", "password") if last(form, name)}
        if last(form, "disabled"):
            fields["disabled"] = last(form, "disabled") == "yes"
        services.users.change_user(user_id, checked(api_v2.UserPatch, fields))
        return RedirectResponse("/access", status_code=303)

    @router.post("/access/tokens")
    def add_token(request: Request, form: Form) -> Response:
        require_same_site(request)
        fields = {**_common(form), "kind": "user", "user_id": last(form, "user") or None}
        body = checked(api_v2.AccessTokenIn, fields)
        made = services.access.create_token(
            name=body.name,
            kind=body.kind,
            role=body.role,
            user_id=body.user_id,
            environment_ids=body.prediction_environment_ids,
        )
        return _access_page(request, services, templates, made)

    @router.post("/access/tokens/{token_id}/revoke")
    def revoke_token(request: Request, token_id: str) -> Response:
        require_same_site(request)
        services.access.revoke(token_id)
        return RedirectResponse("/access", status_code=303)


def _add_audit(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("/audit")
    def audit_page(
        request: Request, *, actor: str = "", target: str = "", outcome: str = "", before: str = "", verify: str = ""
    ) -> Response:
        chosen = {"actor": actor.strip()[:200], "target": target.strip()[:200], "outcome": outcome[:20]}
        filters = audit_shapes.AuditFilters(
            actor=chosen["actor"] or None, target_id=chosen["target"] or None, outcome=chosen["outcome"] or None
        )
        place = number(before) or None
        page = services.audit.list_entries(filters, before=place, limit=_PAGE)
        return templates.page(
            "audit.html",
            place="/audit",
            page=page,
            chosen=chosen,
            before=place,
            here=_address(chosen, before=place),
            newest=_address(chosen),
            older=_address(chosen, before=page.older) if page.older else None,
            verdict=services.audit.verify() if verify else None,
            principal=request.state.principal,
        )


def _common(form: Mapping[str, list[str]]) -> dict[str, object]:
    """Return what users and tokens have in common."""
    return {
        "name": last(form, "name").strip(),
        "role": last(form, "role"),
        "prediction_environment_ids": [one for one in form.get("environment", ()) if one],
    }


def _address(chosen: dict[str, str], *, before: int | None = None) -> str:
    return address("/audit", {**chosen, "before": before})
