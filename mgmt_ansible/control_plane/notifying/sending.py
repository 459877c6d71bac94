"""Sending: one try of one notice, by a courier; secrets are opened here, and nowhere else."""

from __future__ import annotations

import json
import threading
import weakref
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying.couriers import Courier, CourierLostError
from mgmt_ansible.control_plane.notifying.jobs import Address, Job, job_of
from mgmt_ansible.control_plane.notifying.secret_box import SecretBox
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.notification_records import ChannelRecord, Result
from mgmt_ansible.domain.event_filters import EVERYTHING
from mgmt_ansible.domain.notices import Notice
from mgmt_ansible.domain.redaction import redact, secret_forms
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.notifications import ChannelType

RESPONSE_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """How the control plane reaches others.

    Attributes:
        timeout_seconds: For connecting, and between two octets.
        networks: Open beside public addresses, such as `10.0.0.0/8`.
        schemes: Of Apprise's URLs.
        public_url: Where people reach the pages, without a slash at its end; may be empty.
        mail_url: Apprise's URL of the mail server, a secret; empty when there is none.
    """

    timeout_seconds: float
    networks: tuple[str, ...]
    schemes: tuple[str, ...]
    public_url: str = ""
    mail_url: str = field(default="", repr=False)


class Sender:
    """Makes tries.

    Args:
        store: For the entry that a CloudEvent carries.
        box: Opens channels' secrets.
        outside: How others are reached.
    """

    def __init__(self, store: Store, box: SecretBox, outside: Outside) -> None:
        self._store = store
        self._box = box
        self._outside = outside
        self._couriers: weakref.WeakSet[Courier] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ended = False

    def courier(self) -> Courier:
        """Return a courier for one channel; whoever asks closes it."""
        courier = Courier(timeout_seconds=self._outside.timeout_seconds, networks=self._outside.networks)
        with self._lock:
            self._couriers.add(courier)
            ended = self._ended
        if ended:
            courier.end()
        return courier

    def end(self) -> None:
        """End every courier, whatever it is at, and those that come; callable from any thread."""
        with self._lock:
            self._ended = True
            couriers = tuple(self._couriers)
        for courier in couriers:
            courier.end()

    def address(self, channel_id: str, sealed: str) -> Address:
        """Open a channel's secrets; ConfigError when the key is not the one that sealed them."""
        return Address(**json.loads(self._box.open(sealed, about=channel_id)))

    def attempt(self, channel: ChannelRecord, notice: Notice, courier: Courier) -> Result:
        """Make one try; what goes wrong is a result."""
        try:
            address = self.address(channel.id, channel.sealed)
        except errors.ConfigError as exc:
            return Result(delivered=False, text=str(exc))
        secrets = (*secret_forms(address.secrets), *secret_forms([self._outside.mail_url]))
        try:
            answer = courier.send(self._job(channel, address, notice))
        except CourierLostError as exc:
            return Result(delivered=False, text=str(exc))
        text = redact(str(answer.get("text") or ""), secrets, limit=RESPONSE_CHARACTERS)
        return Result(
            delivered=answer.get("delivered") is True,
            final=answer.get("final") is True,
            code=answer["code"] if isinstance(answer.get("code"), int) else None,
            text=text,
            retry_after_seconds=retry_after_seconds(answer.get("retry_after"), datetime.now(UTC)),
        )

    def check_apprise(self, url: str) -> str:
        """Return what Apprise has against a URL; empty when it takes it. Nothing is sent."""
        with self.courier() as courier:
            try:
                answer = courier.send({"kind": "apprise", "url": url, "check": True})
            except CourierLostError as exc:
                return str(exc)
        return "" if answer.get("delivered") is True else redact(str(answer.get("text")), secret_forms([url]))

    def _job(self, channel: ChannelRecord, address: Address, notice: Notice) -> Job:
        return job_of(
            ChannelType(channel.type),
            channel.shown,
            address,
            notice,
            event=self._event(notice),
            public_url=self._outside.public_url,
            mail_url=self._outside.mail_url,
            now=datetime.now(UTC),
        )

    def _event(self, notice: Notice) -> api_v2.DeploymentEvent:
        """Return the entry itself; of one that is gone, or of a test, what the notice knows."""
        if notice.sequence:
            with self._store.read() as tx:
                found = tx.deployment_events.following(notice.sequence - 1, EVERYTHING, limit=1)
            if found and found[0].id == notice.event_id:
                return found[0]
        return api_v2.DeploymentEvent(
            id=notice.event_id or notice.id,
            sequence=notice.sequence,
            type=notice.event_type,
            status_type="info",
            health=notice.health,
            title=notice.title,
            message=notice.message,
            timestamp=notice.timestamp,
            received_at=notice.timestamp,
            prediction_environment_id=notice.environment_id,
            deployment_id=notice.deployment_id,
            action_id=None,
            run_id=None,
            generation=None,
            host=notice.host,
            actor=notice.actor,
            data={},
        )


def retry_after_seconds(header: object, now: datetime) -> float | None:
    """Return what a `Retry-After` header asks for; None when it is absent or makes no sense. Source: RFC 9110, 10.2.3."""
    if not isinstance(header, str):
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None
