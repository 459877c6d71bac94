"""Routes: who is told of what, the log of what was told, and the forms that change it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible import errors
from mgmt_ansible.control_plane.pages import notification_views
from mgmt_ansible.control_plane.pages.addresses import number
from mgmt_ansible.control_plane.pages.forms import Form, checked, last, require_same_site
from mgmt_ansible.control_plane.pages.notification_views import PERIODS, STATUSES, Chosen
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.notification_records import DeliveryStatus
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.domain.notifications import ScopeType
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import notifications as shapes

PATH = "/notifications"
_LONGEST_MUTE_HOURS = 24 * 366


def read_chosen(
    channel: str = "", policy: str = "", deployment: str = "", status: str = "", offset: str = ""
) -> Chosen:
    """Read the query string of the log; what is no filter's value counts as not chosen."""
    return Chosen(
        channel=channel[:64],
        policy=policy[:64],
        deployment=deployment.strip()[:64],
        status=DeliveryStatus(status) if status in set(DeliveryStatus) else None,
        offset=number(offset),
    )


def notification_pages(services: Services, templates: Templates) -> APIRouter:
    """Return the routes of the pages of notifications."""
    templates.environment.globals.update(delivery_words=STATUSES)
    router = APIRouter(prefix=PATH, include_in_schema=False, route_class=page_route(templates))
    _add_views(router, services, templates)
    _add_trying(router, services, templates)
    _add_changes(router, services)
    return router


def _add_views(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.get("")
    def notifications_page(request: Request, chosen: Annotated[Chosen, Depends(read_chosen)]) -> Response:
        return _page(services, templates, request, chosen)

    @router.get("/log/{notification_id}")
    def notification_page(request: Request, notification_id: str) -> Response:
        log = services.notifications.log.get_log(notification_id)
        may = _may(request)
        return templates.page("notification.html", place=PATH, log=log, may=may, principal=request.state.principal)


def _add_trying(router: APIRouter, services: Services, templates: Templates) -> None:
    @router.post("/channels/{channel_id}/test")
    def try_channel(request: Request, channel_id: str) -> Response:
        require_same_site(request)
        channels = services.notifications.channels
        known = channels.get_channel(channel_id)
        tried = channels.test_channel(channel_id, actor=request.state.principal.name)
        return _page(services, templates, request, Chosen(), tried=(known.name, tried))

    @router.post("/log/{notification_id}/resend")
    def resend(request: Request, notification_id: str) -> Response:
        require_same_site(request)
        again = services.notifications.log.resend(notification_id, actor=request.state.principal.name)
        return RedirectResponse(f"{PATH}/log/{again.id}", status_code=303)


def _add_changes(router: APIRouter, services: Services) -> None:
    @router.post("/channels")
    def add_channel(request: Request, form: Form) -> Response:
        require_same_site(request)
        body = checked(shapes.NotificationChannelIn, _channel_fields(form))
        services.notifications.channels.create_channel(body, actor=request.state.principal.name)
        return _back()

    @router.post("/policies")
    def add_policy(request: Request, form: Form) -> Response:
        require_same_site(request)
        fields = {
            **_scope_fields(form),
            "name": last(form, "name").strip(),
            "channelId": last(form, "channel"),
            "eventGroup": last(form, "group"),
            "maximalFrequency": last(form, "every") or None,
        }
        body = checked(shapes.NotificationPolicyIn, fields)
        services.notifications.policies.create_policy(body, actor=request.state.principal.name)
        return _back()

    @router.post("/policies/{policy_id}/active")
    def switch_policy(request: Request, policy_id: str, form: Form) -> Response:
        require_same_site(request)
        body = shapes.NotificationPolicyPatch(active=last(form, "active") == "yes")
        services.notifications.policies.change_policy(policy_id, body, actor=request.state.principal.name)
        return _back()

    @router.post("/mutes")
    def mute(request: Request, form: Form) -> Response:
        require_same_site(request)
        fields = {
            "policyId": last(form, "policy") or None,
            "deploymentId": last(form, "deployment").strip() or None,
            "until": _in_hours(last(form, "hours")),
            "reason": last(form, "reason").strip(),
        }
        services.notifications.policies.mute(
            checked(shapes.NotificationMuteIn, fields), actor=request.state.principal.name
        )
        return _back()

    @router.post("/mutes/{mute_id}/delete")
    def unmute(request: Request, mute_id: str) -> Response:
        require_same_site(request)
        services.notifications.policies.unmute(mute_id, actor=request.state.principal.name)
        return _back()


def _page(
    services: Services,
    templates: Templates,
    request: Request,
    chosen: Chosen,
    *,
    tried: tuple[str, shapes.NotificationTest] | None = None,
) -> Response:
    return templates.page(
        "notifications.html",
        place=PATH,
        view=notification_views.notifications_view(services, chosen),
        tried=tried,
        may=_may(request),
        groups=tuple(EventGroup),
        kinds=tuple(shapes.ChannelType),
        periods=PERIODS,
        principal=request.state.principal,
    )


def _may(request: Request) -> dict[str, bool]:
    """Return what whoever looks may do here; the edge refuses it all the same."""
    role = request.state.principal.role
    needed = {"operate": Role.OPERATOR, "decide": Role.DEPLOYER, "administer": Role.ADMIN}
    return {name: role is not None and role.covers(least) for name, least in needed.items()}


def _channel_fields(form: Mapping[str, list[str]]) -> dict[str, object]:
    kind = last(form, "type")
    fields: dict[str, object] = {"name": last(form, "name").strip(), "channelType": kind}
    address = {"Email": "emailAddress", "Apprise": "appriseUrl"}.get(kind, "payloadUrl")
    fields[address] = last(form, "address").strip()
    if last(form, "secret"):
        fields["secretToken"] = last(form, "secret")
    return fields


def _scope_fields(form: Mapping[str, list[str]]) -> dict[str, object]:
    """Return what a policy is for: one deployment, else the environment that is chosen, else everything."""
    deployment, environment = last(form, "deployment").strip(), last(form, "environment")
    if deployment:
        return {"relatedEntityType": ScopeType.DEPLOYMENT, "relatedEntityId": deployment}
    return {"relatedEntityType": ScopeType.ENVIRONMENT, "relatedEntityId": environment} if environment else {}


def _in_hours(text: str) -> datetime | None:
    """Return the time in so many hours; None for an empty text."""
    if not text:
        return None
    if not (0 < number(text) <= _LONGEST_MUTE_HOURS):
        raise errors.InvalidRequestError("hours: give a whole number of hours, or none for a mute without end")
    return datetime.now(UTC) + timedelta(hours=int(text))


def _back() -> Response:
    return RedirectResponse(PATH, status_code=303)
