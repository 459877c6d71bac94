"""Jobs for couriers: how a notice looks in each kind of channel. Pure; texts of entries are data in all of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote, urlencode, urlsplit

from mgmt_ansible import __version__
from mgmt_ansible.control_plane.notifying.apprise_channels import MAIL, SHOWING_HOST, with_options
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import Message, Notice, chat_safe, compose
from mgmt_ansible.domain.notifications import Verdict
from mgmt_ansible.wire import api_v2, cloud_events
from mgmt_ansible.wire.notifications import ChannelType, ContentType, PayloadFormat

_SECRET_PREFIX = "whsec_"  # noqa: S105 - says that base64 follows
_STATUS_TYPES = {
    Health.PASSING: "success",
    Health.WARNING: "warning",
    Health.FAILING: "failure",
    Health.UNKNOWN: "warning",
    Health.INFO: "info",
}
"""Health -> Apprise's kinds, which are the vendor's words too."""

Job = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A channel with its secrets, as they are sealed; `repr` shows none.

    Attributes:
        headers: Of a webhook, name -> value.
    """

    payload_url: str = ""
    secret_token: str = ""
    apprise_url: str = ""
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return "Address(********)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no text."""
        urls = (self.payload_url, self.apprise_url)
        values = (*urls, self.secret_token, *self.headers.values(), *(part for url in urls for part in _parts(url)))
        return tuple(value for value in values if value)


def job_of(
    channel_type: ChannelType,
    shown: Mapping[str, object],
    address: Address,
    notice: Notice,
    *,
    event: api_v2.DeploymentEvent,
    public_url: str,
    mail_url: str,
    now: datetime,
) -> Job:
    """Return what a courier is to do.

    Args:
        channel_type: Of the channel.
        shown: Its fields that everybody may see.
        address: Where it goes, and what signs it.
        notice: What to tell.
        event: The entry itself, for CloudEvents.
        public_url: Where people reach the pages; may be empty.
        mail_url: Apprise's URL of the mail server, for `Email`.
        now: For the signature; aware.
    """
    message = compose(notice, public_url=public_url)
    match channel_type:
        case ChannelType.WEBHOOK:
            return _webhook(shown, address, notice, event, now)
        case ChannelType.SLACK:
            return _post(address.payload_url, _slack(message), verify=shown.get("validate_ssl") is not False)
        case ChannelType.MS_TEAMS:
            return _post(address.payload_url, _teams(message, notice), verify=shown.get("validate_ssl") is not False)
        case ChannelType.EMAIL:
            return apprise_job(with_options(mail_url, {"to": str(shown.get("email_address") or "")}), notice, message)
        case ChannelType.APPRISE:
            return apprise_job(address.apprise_url, notice, message)


def apprise_job(url: str, notice: Notice, message: Message) -> Job:
    """Return a job for Apprise: plain text only; what is no mail is read by chat programs."""
    mail = url.partition("://")[0].lower() in MAIL
    options = {"format": "text", "emojis": "no", "overflow": "truncate"}
    if mail:
        options |= {"+X-Mgmt-Ansible-Notification": notice.id, "+Auto-Submitted": "auto-generated"}
    return {
        "kind": "apprise",
        "url": with_options(url, options),
        "subject": message.subject if mail else chat_safe(message.subject),
        "text": message.text if mail else chat_safe(message.text),
        "type": _STATUS_TYPES[notice.health],
    }


def payload(notice: Notice) -> dict[str, object]:
    """Return a webhook's body in the vendor's shape, with what it does not have under names of ours."""
    return {
        "event_type": notice.event_type,
        "timestamp": int(notice.timestamp.timestamp()),
        "event": {
            "entity_id": notice.deployment_id or notice.environment_id,
            "uid": notice.actor,
            "id": notice.event_id,
            "sequence": notice.sequence,
            "title": notice.title,
            "message": notice.message,
            "status_type": _STATUS_TYPES[notice.health],
            "health": notice.health.value,
            "host": notice.host,
            "recovered": notice.verdict is Verdict.RECOVERED,
            "held_count": notice.held,
        },
        "deployment": {"id": notice.deployment_id, "label": notice.deployment_label} if notice.deployment_id else None,
        "prediction_environment": {"id": notice.environment_id, "name": notice.environment_name},
    }


def signature(secret: str, *, delivery_id: str, timestamp: int, body: str) -> str:
    """Return the header `webhook-signature`. Source: Standard Webhooks, symmetric signatures (v1)."""
    signed = f"{delivery_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(_signing_key(secret), signed, hashlib.sha256).digest()).decode()


def _parts(url: str) -> tuple[str, ...]:
    """Return what of a URL may be a secret by itself: others' error messages hold such pieces."""
    parts = urlsplit(url)
    host = "" if parts.scheme in ("http", "https", *SHOWING_HOST) else parts.netloc.rpartition("@")[2]
    query = (option.partition("=")[2] for option in parts.query.split("&"))
    words = (parts.path.strip("/"), *parts.path.split("/"), parts.username, parts.password, host, *query)
    quoted = tuple(word for word in words if word)
    return (*quoted, *(unquote(word) for word in quoted))


def _webhook(
    shown: Mapping[str, object], address: Address, notice: Notice, event: api_v2.DeploymentEvent, now: datetime
) -> Job:
    if shown.get("payload_format") == PayloadFormat.CLOUD_EVENTS:
        content_type, body = cloud_events.MEDIA_TYPE, cloud_events.to_json(event)
    else:
        content_type, body = ContentType.JSON.value, json.dumps(payload(notice), ensure_ascii=False)
        if shown.get("content_type") == ContentType.FORM:
            content_type, body = ContentType.FORM.value, urlencode({"payload": body}, quote_via=quote)
    timestamp = int(now.timestamp())
    headers = {
        **address.headers,
        "Content-Type": content_type,
        "webhook-id": notice.id,
        "webhook-timestamp": str(timestamp),
    }
    if address.secret_token:
        secret = address.secret_token
        headers["webhook-signature"] = signature(secret, delivery_id=notice.id, timestamp=timestamp, body=body)
    return _job(address.payload_url, headers, body, verify=shown.get("validate_ssl") is not False)


def _signing_key(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def _slack(message: Message) -> dict[str, object]:
    """Return what Slack and what speaks like it takes. Source: Slack, formatting text: the three characters to escape."""
    text = chat_safe(f"{message.subject}\n{message.text}").replace("&", "&amp;")
    return {"text": text, "mrkdwn": False}


def _teams(message: Message, notice: Notice) -> dict[str, object]:
    """Return an adaptive card of text runs, in which no markup means anything. Source: Microsoft, Adaptive Cards 1.2."""
    color = {Health.PASSING: "good", Health.WARNING: "warning", Health.FAILING: "attention"}.get(
        notice.health, "default"
    )
    lines = [chat_safe(line) for line in message.text.splitlines()]
    blocks = [_block(chat_safe(message.subject), weight="bolder", color=color), *(_block(line) for line in lines)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": blocks,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _block(text: str, **style: str) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _post(url: str, body: Mapping[str, object], *, verify: bool) -> Job:
    return _job(url, {"Content-Type": "application/json"}, json.dumps(body, ensure_ascii=False), verify=verify)


def _job(url: str, headers: Mapping[str, str], body: str, *, verify: bool) -> Job:
    agent = {"User-Agent": f"mgmt-ansible/{__version__}"}
    return {"kind": "http", "url": url, "headers": {**agent, **headers}, "body": body, "verify": verify}
