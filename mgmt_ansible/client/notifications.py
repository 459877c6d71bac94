"""Notifications, through `/api/v2`: channels, policies, mutes, and the log of what was told."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, parse_answer, segment
from mgmt_ansible.wire.notifications import (
    NotificationChannel,
    NotificationChannelIn,
    NotificationChannelPatch,
    NotificationLog,
    NotificationMute,
    NotificationMuteIn,
    NotificationPolicy,
    NotificationPolicyIn,
    NotificationPolicyPatch,
    NotificationTest,
)

_TEST_SECONDS = 120.0
"""A channel that does not answer is given up after that; the control plane has an answer sooner."""

_CHANNELS = "entityNotificationChannels/"
_POLICIES = "entityNotificationPolicies/"
_MUTES = "notificationPolicyMutes/"
_LOG = "notificationLogs/"


class Notifications:
    """Verbs on notifications."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_channels(self) -> Iterator[NotificationChannel]:
        """Yield every channel by name, page after page."""
        return self._transport.pages(NotificationChannel, _CHANNELS)

    def list_channels_of(self, related_entity_type: str, related_entity_id: str) -> Iterator[NotificationChannel]:
        """Yield the channels of one scope, page after page."""
        return self._transport.pages(NotificationChannel, _scope(_CHANNELS, related_entity_type, related_entity_id))

    def get_channel(self, channel: NotificationChannel) -> NotificationChannel:
        """Return a channel as it is now; NotFoundError without it."""
        return self._transport.get(NotificationChannel, _path(_CHANNELS, channel))

    def list_policies_of(self, related_entity_type: str, related_entity_id: str) -> Iterator[NotificationPolicy]:
        """Yield the policies of one scope, page after page."""
        return self._transport.pages(NotificationPolicy, _scope(_POLICIES, related_entity_type, related_entity_id))

    def get_policy(self, policy: NotificationPolicy) -> NotificationPolicy:
        """Return a policy as it is now; NotFoundError without it."""
        return self._transport.get(NotificationPolicy, _path(_POLICIES, policy))

    def create_channel(self, channel: NotificationChannelIn) -> NotificationChannel:
        """Create a channel; InvalidRequestError names the field that does not fit."""
        return self._transport.send(NotificationChannel, "POST", _CHANNELS, body=channel)

    def change_channel(self, channel: NotificationChannel, change: NotificationChannelPatch) -> NotificationChannel:
        """Change a channel; fields that are None stay."""
        return self._transport.send(NotificationChannel, "PUT", _path(_CHANNELS, channel), body=change)

    def delete_channel(self, channel: NotificationChannel) -> None:
        """Delete a channel; InvalidRequestError while policies use it."""
        self._transport.read("DELETE", _path(_CHANNELS, channel))

    def test_channel(self, channel: NotificationChannel) -> NotificationTest:
        """Send a message now, and return what came back."""
        path = _path(_CHANNELS, channel) + "test/"
        body = self._transport.read("POST", path, read_timeout_seconds=_TEST_SECONDS)
        return parse_answer(NotificationTest, body)

    def list_policies(self) -> Iterator[NotificationPolicy]:
        """Yield every policy by name, page after page."""
        return self._transport.pages(NotificationPolicy, _POLICIES)

    def create_policy(self, policy: NotificationPolicyIn) -> NotificationPolicy:
        """Create a policy; it tells what comes from now on."""
        return self._transport.send(NotificationPolicy, "POST", _POLICIES, body=policy)

    def change_policy(self, policy: NotificationPolicy, change: NotificationPolicyPatch) -> NotificationPolicy:
        """Change a policy; fields that are None stay."""
        return self._transport.send(NotificationPolicy, "PUT", _path(_POLICIES, policy), body=change)

    def delete_policy(self, policy: NotificationPolicy) -> None:
        """Delete a policy with its mutes."""
        self._transport.read("DELETE", _path(_POLICIES, policy))

    def list_mutes(self) -> Iterator[NotificationMute]:
        """Yield every mute that holds, newest first, page after page."""
        return self._transport.pages(NotificationMute, _MUTES)

    def mute(self, mute: NotificationMuteIn) -> NotificationMute:
        """Hold what would be told."""
        return self._transport.send(NotificationMute, "POST", _MUTES, body=mute)

    def unmute(self, mute_id: str) -> None:
        """End a mute; NotFoundError without it."""
        self._transport.read("DELETE", f"{_MUTES}{segment(mute_id)}/")

    def list_log(
        self,
        *,
        channel_id: str | None = None,
        policy_id: str | None = None,
        deployment_id: str | None = None,
        status: str | None = None,
    ) -> Iterator[NotificationLog]:
        """Yield what was told, newest first, page after page; only what fulfils all that is given."""
        query = {"channelId": channel_id, "policyId": policy_id, "deploymentId": deployment_id, "status": status}
        return self._transport.pages(NotificationLog, _LOG, query)

    def get_log(self, notification_id: str) -> NotificationLog:
        """Return one delivery; NotFoundError without it."""
        return self._transport.get(NotificationLog, f"{_LOG}{segment(notification_id)}/")

    def resend(self, notification_id: str) -> NotificationLog:
        """Send a delivery again, as one of its own."""
        return self._transport.send(NotificationLog, "POST", f"{_LOG}{segment(notification_id)}/resend/")


def _path(noun: str, thing: NotificationChannel | NotificationPolicy) -> str:
    return f"{noun}{thing.related_entity_type}/{segment(thing.related_entity_id)}/{segment(thing.id)}/"


def _scope(noun: str, related_entity_type: str, related_entity_id: str) -> str:
    return f"{noun}{segment(related_entity_type)}/{segment(related_entity_id)}/"
