"""Channels: where notifications go, and trying one out."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane import notification_addresses
from mgmt_ansible.control_plane.notification_scopes import channel_within, check_scope
from mgmt_ansible.control_plane.notifying.jobs import Address
from mgmt_ansible.control_plane.notifying.secret_box import SecretBox
from mgmt_ansible.control_plane.notifying.sending import Outside, Sender
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import Notice
from mgmt_ansible.domain.notifications import ScopeType, Verdict
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import notifications as shapes

TEST_TYPE = "mgmt_ansible.notification_test"
MOST_TESTS = 4
"""At the same time: one that nobody answers holds a request's thread for seconds."""

_log = structlog.get_logger(__name__)


class NotificationChannels:
    """Verbs on channels.

    Args:
        store: The database.
        box: Seals their secrets.
        sender: Tries them.
        outside: How others are reached.
    """

    def __init__(self, store: Store, box: SecretBox, sender: Sender, outside: Outside) -> None:
        self._store = store
        self._box = box
        self._sender = sender
        self._outside = outside
        self._testing = threading.BoundedSemaphore(MOST_TESTS)
        self._networks = tuple(ipaddress.ip_network(network) for network in outside.networks)

    def list_channels(
        self, scope: ScopeType | None = None, scope_id: str | None = None, *, limit: int = 50, offset: int = 0
    ) -> api_v2.Page[shapes.NotificationChannel]:
        """Return channels by name; NotFoundError when what they are for is unknown."""
        with self._store.read() as tx:
            check_scope(tx, scope, scope_id)
            return tx.notifications.list_channels(scope, scope_id, limit=limit, offset=offset)

    def get_channel(
        self, channel_id: str, scope: ScopeType | None = None, scope_id: str | None = None
    ) -> shapes.NotificationChannel:
        """Return one; NotFoundError, also when it is for something else."""
        with self._store.read() as tx:
            return channel_within(tx, channel_id, scope, scope_id)

    def create_channel(self, body: shapes.NotificationChannelIn, *, actor: str) -> shapes.NotificationChannel:
        """Create a channel.

        Raises:
            InvalidRequestError: An address, a header or what its kind needs; the message names the field.
            NotFoundError: Unknown deployment or environment.
        """
        channel_id, kind = make_id(), body.channel_type
        address = self._address(kind, notification_addresses.NO_ADDRESS, body)
        shown = notification_addresses.shown_fields(kind, {}, body, address)
        sealed = self._sealed(channel_id, address)
        with self._store.write() as tx:
            check_scope(tx, body.related_entity_type, body.related_entity_id)
            values = {
                "id": channel_id,
                "name": body.name,
                "type": kind.value,
                "scope": body.related_entity_type.value,
                "scope_id": body.related_entity_id,
                "shown": shown,
                "sealed": sealed,
                "created_by": actor,
                "created_at": tx.now,
                "updated_at": tx.now,
            }
            tx.notifications.insert_channel(values)
            tx.audit.about("notification_channel", channel_id, summary=f"{body.name} made, of type {kind.value}")
            _log.info("notification_channel_set", channel_id=channel_id, type=kind.value, actor=actor)
            return tx.notifications.get_channel(channel_id)

    def change_channel(
        self,
        channel_id: str,
        body: shapes.NotificationChannelPatch,
        scope: ScopeType | None = None,
        scope_id: str | None = None,
        *,
        actor: str,
    ) -> shapes.NotificationChannel:
        """Change a channel; errors as of `create_channel`."""
        with self._store.read() as tx:
            known = channel_within(tx, channel_id, scope, scope_id)
            record = tx.deliveries.channel(channel_id)
        before = self._sender.address(channel_id, record.sealed)
        address = self._address(known.channel_type, before, body)
        shown = notification_addresses.shown_fields(known.channel_type, record.shown, body, address)
        values: dict[str, object] = {"shown": shown, "sealed": self._sealed(channel_id, address)}
        if body.name is not None:
            values["name"] = body.name
        with self._store.write() as tx:
            tx.notifications.get_channel(channel_id)
            afresh = {"failures": 0, "resume_at": None, "trouble": "", "updated_at": tx.now}
            tx.notifications.update_channel(channel_id, {**values, **afresh})
            _log.info("notification_channel_set", channel_id=channel_id, type=known.channel_type.value, actor=actor)
            return tx.notifications.get_channel(channel_id)

    def delete_channel(
        self, channel_id: str, scope: ScopeType | None = None, scope_id: str | None = None, *, actor: str
    ) -> None:
        """Delete a channel; InvalidRequestError while policies use it. What it would still have sent has failed."""
        with self._store.write() as tx:
            known = channel_within(tx, channel_id, scope, scope_id)
            if known.policy_count:
                raise errors.InvalidRequestError(
                    f"notification channel {known.name} is used by {known.policy_count} policies: delete or change them first"
                )
            tx.deliveries.drop_of_channel(channel_id, reason="the channel was deleted", now=tx.now)
            tx.notifications.delete_channel(channel_id)
        _log.info("notification_channel_deleted", channel_id=channel_id, actor=actor)

    def test_channel(
        self, channel_id: str, scope: ScopeType | None = None, scope_id: str | None = None, *, actor: str
    ) -> shapes.NotificationTest:
        """Send a message now, past policies and the log, and say what came back. Blocks for seconds when nobody answers.

        Raises:
            ConflictError: Several tests wait for answers already.
            NotFoundError: Unknown channel.
        """
        with self._store.read() as tx:
            known = channel_within(tx, channel_id, scope, scope_id)
            record = tx.deliveries.channel(channel_id)
        with self._one_of_few(), self._sender.courier() as courier:
            result = self._sender.attempt(record, _test_notice(known, actor), courier)
        _log.info("notification_channel_tested", channel_id=channel_id, delivered=result.delivered, actor=actor)
        response = shapes.NotificationResponse(status_code=result.code, body=result.text)
        return shapes.NotificationTest(delivered=result.delivered, response=response)

    @contextmanager
    def _one_of_few(self) -> Iterator[None]:
        if not self._testing.acquire(blocking=False):
            raise errors.ConflictError("several tests wait for answers already: try again in a moment")
        try:
            yield
        finally:
            self._testing.release()

    def _address(self, kind: shapes.ChannelType, before: Address, body: shapes.NotificationChannelPatch) -> Address:
        if kind is shapes.ChannelType.EMAIL and not self._outside.mail_url:
            raise errors.InvalidRequestError(
                "channelType: Email needs the setting notifications/mail_url; or use Apprise with a mailtos:// URL"
            )
        address = notification_addresses.changed_address(kind, before, body, self._outside, self._networks)
        if address.apprise_url and address.apprise_url != before.apprise_url:
            problem = self._sender.check_apprise(address.apprise_url)
            if problem:
                raise errors.InvalidRequestError(f"appriseUrl: {problem}")
        return address

    def _sealed(self, channel_id: str, address: Address) -> str:
        return self._box.seal(notification_addresses.packed(address), about=channel_id)


def _test_notice(channel: shapes.NotificationChannel, actor: str) -> Notice:
    return Notice(
        id=make_id(),
        verdict=Verdict.TELL,
        event_id="",
        sequence=0,
        event_type=TEST_TYPE,
        health=Health.INFO,
        title="This is a test",
        message=f"{clean_text(actor)} tries the notification channel {clean_text(channel.name)}.",
        timestamp=datetime.now(UTC),
        environment_id="",
        actor=actor,
    )
