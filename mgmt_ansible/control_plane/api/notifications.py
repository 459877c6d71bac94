"""`entityNotificationChannels/`, `entityNotificationPolicies/`, `notificationPolicyMutes/` and `notificationLogs/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from mgmt_ansible import errors
from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.notifications import Notifications
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.notification_records import DeliveryStatus
from mgmt_ansible.domain.notifications import ScopeType
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes

_OF = "{related_entity_type}/{related_entity_id}/"
_SCOPES = {scope.value.lower(): scope for scope in ScopeType}
_Id = Annotated[str | None, Query(max_length=64)]


@dataclass(frozen=True, slots=True)
class _Entity:
    """What a path is about."""

    scope: ScopeType
    scope_id: str


def _entity(related_entity_type: str, related_entity_id: str) -> _Entity:
    """Read what a path is about; the vendor's clients write `deployment`, `Deployment` or `DEPLOYMENT`."""
    scope = _SCOPES.get(related_entity_type.lower())
    if scope is None:
        known = ", ".join(ScopeType)
        raise errors.NotFoundError(f"relatedEntityType {related_entity_type} does not exist; there are {known}")
    return _Entity(scope, related_entity_id)


_Related = Annotated[_Entity, Depends(_entity)]


def notification_router(services: Services) -> APIRouter:
    """Return the routes of notifications."""
    router = APIRouter(tags=["notifications"])
    notifications = services.notifications
    _add_channels(router, notifications)
    _add_policies(router, notifications)
    _add_mutes(router, notifications)
    _add_log(router, notifications)
    return router


def _add_channels(router: APIRouter, notifications: Notifications) -> None:
    path = "/entityNotificationChannels/"

    @router.get(path)
    def list_notification_channels(paging: Paging) -> api_v2.Page[shapes.NotificationChannel]:
        """List all channels by name."""
        return paging.page(notifications.channels.list_channels(limit=paging.limit, offset=paging.offset))

    @router.post(path, status_code=201)
    def create_notification_channel(
        body: shapes.NotificationChannelIn, principal: Asking
    ) -> shapes.NotificationChannel:
        """Create a channel; its secrets are shown by no answer."""
        return notifications.channels.create_channel(body, actor=principal.name)

    @router.get(path + _OF)
    def list_channels_of(entity: _Related, paging: Paging) -> api_v2.Page[shapes.NotificationChannel]:
        """List the channels of a deployment, an environment, or of everything."""
        found = notifications.channels.list_channels(
            entity.scope, entity.scope_id, limit=paging.limit, offset=paging.offset
        )
        return paging.page(found)

    @router.get(path + _OF + "{channel_id}/")
    def get_notification_channel(entity: _Related, channel_id: str) -> shapes.NotificationChannel:
        """Return one channel."""
        return notifications.channels.get_channel(channel_id, entity.scope, entity.scope_id)

    @router.put(path + _OF + "{channel_id}/")
    def change_notification_channel(
        entity: _Related, channel_id: str, body: shapes.NotificationChannelPatch, principal: Asking
    ) -> shapes.NotificationChannel:
        """Change a channel; absent fields stay, and so does a secret that is `********`."""
        return notifications.channels.change_channel(
            channel_id, body, entity.scope, entity.scope_id, actor=principal.name
        )

    @router.delete(path + _OF + "{channel_id}/", status_code=204)
    def delete_notification_channel(entity: _Related, channel_id: str, principal: Asking) -> None:
        """Delete a channel; 422 while policies use it."""
        notifications.channels.delete_channel(channel_id, entity.scope, entity.scope_id, actor=principal.name)

    @router.post(path + _OF + "{channel_id}/test/")
    def test_notification_channel(entity: _Related, channel_id: str, principal: Asking) -> shapes.NotificationTest:
        """Send a message now, and answer with what came back."""
        return notifications.channels.test_channel(channel_id, entity.scope, entity.scope_id, actor=principal.name)


def _add_policies(router: APIRouter, notifications: Notifications) -> None:
    path = "/entityNotificationPolicies/"

    @router.get(path)
    def list_notification_policies(paging: Paging) -> api_v2.Page[shapes.NotificationPolicy]:
        """List all policies by name."""
        return paging.page(notifications.policies.list_policies(limit=paging.limit, offset=paging.offset))

    @router.post(path, status_code=201)
    def create_notification_policy(body: shapes.NotificationPolicyIn, principal: Asking) -> shapes.NotificationPolicy:
        """Create a policy; it tells what comes from now on."""
        return notifications.policies.create_policy(body, actor=principal.name)

    @router.get(path + _OF)
    def list_policies_of(entity: _Related, paging: Paging) -> api_v2.Page[shapes.NotificationPolicy]:
        """List the policies of a deployment, an environment, or of everything."""
        found = notifications.policies.list_policies(
            entity.scope, entity.scope_id, limit=paging.limit, offset=paging.offset
        )
        return paging.page(found)

    @router.get(path + _OF + "{policy_id}/")
    def get_notification_policy(entity: _Related, policy_id: str) -> shapes.NotificationPolicy:
        """Return one policy."""
        return notifications.policies.get_policy(policy_id, entity.scope, entity.scope_id)

    @router.put(path + _OF + "{policy_id}/")
    def change_notification_policy(
        entity: _Related, policy_id: str, body: shapes.NotificationPolicyPatch, principal: Asking
    ) -> shapes.NotificationPolicy:
        """Change a policy; absent fields stay, an empty `maximalFrequency` is no limit any more."""
        return notifications.policies.change_policy(
            policy_id, body, entity.scope, entity.scope_id, actor=principal.name
        )

    @router.delete(path + _OF + "{policy_id}/", status_code=204)
    def delete_notification_policy(entity: _Related, policy_id: str, principal: Asking) -> None:
        """Delete a policy with its mutes; what is on its way is still sent."""
        notifications.policies.delete_policy(policy_id, entity.scope, entity.scope_id, actor=principal.name)


def _add_mutes(router: APIRouter, notifications: Notifications) -> None:
    @router.get("/notificationPolicyMutes/")
    def list_notification_mutes(paging: Paging) -> api_v2.Page[shapes.NotificationMute]:
        """List mutes that hold, newest first."""
        return paging.page(notifications.policies.list_mutes(limit=paging.limit, offset=paging.offset))

    @router.post("/notificationPolicyMutes/", status_code=201)
    def mute_notifications(body: shapes.NotificationMuteIn, principal: Asking) -> shapes.NotificationMute:
        """Hold what would be told of a policy, a deployment, one for the other, or of all."""
        return notifications.policies.mute(body, actor=principal.name)

    @router.delete("/notificationPolicyMutes/{mute_id}/", status_code=204)
    def unmute_notifications(mute_id: str, principal: Asking) -> None:
        """End a mute; the newest of what it held is told, unless it is over."""
        notifications.policies.unmute(mute_id, actor=principal.name)


def _add_log(router: APIRouter, notifications: Notifications) -> None:
    @router.get("/notificationLogs/")
    def list_notification_logs(
        paging: Paging,
        channel_id: Annotated[_Id, Query(alias="channelId")] = None,
        policy_id: Annotated[_Id, Query(alias="policyId")] = None,
        deployment_id: Annotated[_Id, Query(alias="deploymentId")] = None,
        status: DeliveryStatus | None = None,
    ) -> api_v2.Page[shapes.NotificationLog]:
        """List what was told, newest first."""
        found = notifications.log.list_log(
            channel_id=channel_id,
            policy_id=policy_id,
            deployment_id=deployment_id,
            status=status,
            limit=paging.limit,
            offset=paging.offset,
        )
        return paging.page(found)

    @router.get("/notificationLogs/{notification_id}/")
    def get_notification_log(notification_id: str) -> shapes.NotificationLog:
        """Return one delivery."""
        return notifications.log.get_log(notification_id)

    @router.post("/notificationLogs/{notification_id}/resend/", status_code=201)
    def resend_notification(notification_id: str, principal: Asking) -> shapes.NotificationLog:
        """Send it again, as a delivery of its own, past policies and mutes."""
        return notifications.log.resend(notification_id, actor=principal.name)
