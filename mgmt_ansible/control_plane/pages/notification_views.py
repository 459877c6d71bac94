"""Views: what the page of notifications gets, gathered from the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mgmt_ansible.control_plane.pages.addresses import address
from mgmt_ansible.control_plane.pages.words import Word
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.notification_records import DeliveryStatus
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes

PAGE_SIZE = 50
_MOST = 500

STATUSES: Mapping[DeliveryStatus, Word] = {
    DeliveryStatus.PENDING: Word(icon="busy", tone="busy", text="Pending"),
    DeliveryStatus.DELIVERED: Word(icon="passing", tone="passing", text="Delivered"),
    DeliveryStatus.FAILED: Word(icon="failing", tone="failing", text="Failed"),
    DeliveryStatus.HELD: Word(icon="info", tone="info", text="Held"),
}

PERIODS = (("", "each entry"), ("PT15M", "15 minutes"), ("PT1H", "hour"), ("PT4H", "4 hours"), ("P1D", "day"))
"""`maximalFrequency` -> at most one message in this time, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What of the log is wanted, as it stands in the query string."""

    channel: str = ""
    policy: str = ""
    deployment: str = ""
    status: DeliveryStatus | None = None
    offset: int = 0

    @property
    def active(self) -> bool:
        """Whether anything but the page is chosen."""
        return bool(self.channel or self.policy or self.deployment or self.status)

    def url(self, *, offset: int | None = None) -> str:
        """Return the address of the page with these filters, at another offset."""
        values = {
            "channel": self.channel,
            "policy": self.policy,
            "deployment": self.deployment,
            "status": self.status or "",
            "offset": self.offset if offset is None else offset,
        }
        return address("/notifications", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsView:
    """Channels, policies, mutes that hold, a page of the log, and the environments that a policy can be for."""

    channels: tuple[shapes.NotificationChannel, ...]
    policies: tuple[shapes.NotificationPolicy, ...]
    mutes: tuple[shapes.NotificationMute, ...]
    log: tuple[shapes.NotificationLog, ...]
    environments: tuple[api_v2.PredictionEnvironment, ...]
    total: int
    chosen: Chosen
    newest_sequence: int

    @property
    def url(self) -> str:
        """The address of this very view."""
        return self.chosen.url()

    @property
    def busy(self) -> bool:
        """Whether something shown is on its way."""
        return any(one.status == DeliveryStatus.PENDING for one in self.log)

    @property
    def older_url(self) -> str | None:
        """Where older deliveries are."""
        end = self.chosen.offset + len(self.log)
        return self.chosen.url(offset=end) if self.log and end < self.total else None

    @property
    def newest_url(self) -> str | None:
        """Where the newest are; None when they are shown."""
        return self.chosen.url(offset=0) if self.chosen.offset else None

    def environment_name(self, environment_id: str) -> str:
        """Return an environment's name, or the beginning of its id."""
        return next((one.name for one in self.environments if one.id == environment_id), environment_id[:8])

    def policy_name(self, policy_id: str) -> str:
        """Return a policy's name, or the beginning of its id."""
        return next((one.name for one in self.policies if one.id == policy_id), policy_id[:8])


def notifications_view(services: Services, chosen: Chosen) -> NotificationsView:
    """Gather the page."""
    newest_sequence = services.deployment_events.newest_sequence()
    notifications = services.notifications
    log = notifications.log.list_log(
        channel_id=chosen.channel or None,
        policy_id=chosen.policy or None,
        deployment_id=chosen.deployment or None,
        status=chosen.status,
        limit=PAGE_SIZE,
        offset=chosen.offset,
    )
    return NotificationsView(
        channels=tuple(notifications.channels.list_channels(limit=_MOST).data),
        policies=tuple(notifications.policies.list_policies(limit=_MOST).data),
        mutes=tuple(notifications.policies.list_mutes(limit=_MOST).data),
        log=tuple(log.data),
        environments=tuple(services.registry.list_environments(limit=_MOST).data),
        total=log.total_count,
        chosen=chosen,
        newest_sequence=newest_sequence,
    )
