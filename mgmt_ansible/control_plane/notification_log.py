"""The log of notifications: what was sent, what came back, and sending it again."""

from __future__ import annotations

from dataclasses import replace

import structlog

from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.notification_records import DeliveryStatus, NewDelivery
from mgmt_ansible.domain.notifications import Verdict
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes

_log = structlog.get_logger(__name__)


class NotificationLogs:
    """Verbs on the log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_log(
        self,
        *,
        channel_id: str | None = None,
        policy_id: str | None = None,
        deployment_id: str | None = None,
        status: DeliveryStatus | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.Page[shapes.NotificationLog]:
        """Return deliveries, newest first."""
        with self._store.read() as tx:
            return tx.deliveries.list(
                channel_id=channel_id,
                policy_id=policy_id,
                deployment_id=deployment_id,
                status=status,
                limit=limit,
                offset=offset,
            )

    def get_log(self, notification_id: str) -> shapes.NotificationLog:
        """Return a delivery; NotFoundError."""
        with self._store.read() as tx:
            return tx.deliveries.get(notification_id)

    def resend(self, notification_id: str, *, actor: str) -> shapes.NotificationLog:
        """Send what a delivery says again, as one of its own; at once, past policies and mutes. NotFoundError."""
        with self._store.write() as tx:
            notice, channel_id, policy_id, subject = tx.deliveries.notice(notification_id)
            tx.notifications.get_channel(channel_id)
            verdict = Verdict.TELL if notice.verdict is Verdict.HOLD else notice.verdict
            again = replace(notice, id=make_id(), verdict=verdict)
            delivery = NewDelivery(
                once=None,
                channel_id=channel_id,
                policy_id=policy_id,
                subject=subject,
                notice=again,
                status=DeliveryStatus.PENDING,
                parent_id=notification_id,
            )
            tx.deliveries.insert([delivery], now=tx.now)
            tx.notifications.update_channel(channel_id, {"resume_at": None})
            _log.info("notification_resent", notification_id=again.id, parent_id=notification_id, actor=actor)
            return tx.deliveries.get(again.id)

    def counts(self) -> dict[str, int]:
        """Return status -> number of deliveries in the log."""
        with self._store.read() as tx:
            return tx.deliveries.counts()
