"""Channels as people enter them: what is checked, what is shown, what is sealed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying import addresses, apprise_channels
from mgmt_ansible.control_plane.notifying.jobs import Address
from mgmt_ansible.control_plane.notifying.sending import Outside
from mgmt_ansible.domain.reachable import Network
from mgmt_ansible.wire.notifications import (
    MASK,
    ChannelType,
    ContentType,
    CustomHeaderIn,
    NotificationChannelPatch,
    PayloadFormat,
)

NO_ADDRESS = Address(headers={})
_BY_URL = (ChannelType.WEBHOOK, ChannelType.SLACK, ChannelType.MS_TEAMS)
_NEEDS = {
    ChannelType.WEBHOOK: "payloadUrl",
    ChannelType.SLACK: "payloadUrl",
    ChannelType.MS_TEAMS: "payloadUrl",
    ChannelType.EMAIL: "emailAddress",
    ChannelType.APPRISE: "appriseUrl",
}


def changed_address(
    kind: ChannelType, before: Address, body: NotificationChannelPatch, outside: Outside, networks: tuple[Network, ...]
) -> Address:
    """Return a channel's secrets after a change; a secret that is `********` or absent stays, unless the address is another.

    Raises:
        InvalidRequestError: An address may not be used, a header not be sent, or a secret would go to another address than
            the one that it was given for.
    """
    url = _plain(body.payload_url) if kind in _BY_URL else None
    apprise_url = _plain(body.apprise_url) if kind is ChannelType.APPRISE else None
    token = _plain(body.secret_token) if kind is ChannelType.WEBHOOK else None
    if url is not None:
        addresses.checked_url(url, networks)
    if apprise_url is not None:
        apprise_channels.checked_url(apprise_url, outside.schemes)
    if url is not None and url != before.payload_url:
        _refuse_kept_secrets(before, body, token)
    return dataclasses.replace(
        before,
        payload_url=before.payload_url if url is None else url,
        apprise_url=before.apprise_url if apprise_url is None else apprise_url,
        secret_token=before.secret_token if token is None else token,
        headers=before.headers if body.custom_headers is None else _headers(before.headers, body.custom_headers),
    )


def shown_fields(
    kind: ChannelType, before: Mapping[str, object], body: NotificationChannelPatch, address: Address
) -> dict[str, object]:
    """Return what everybody may see of a channel after a change.

    Raises:
        InvalidRequestError: What this kind of channel needs is missing.
    """
    email = body.email_address or before.get("email_address")
    fields: dict[str, object] = {}
    if kind in _BY_URL:
        whole = kind is ChannelType.WEBHOOK
        fields["payload_url"] = address.payload_url and addresses.masked_url(
            address.payload_url, MASK, whole_path=whole
        )
        fields["validate_ssl"] = _kept(body.validate_ssl, before.get("validate_ssl"), default=True)
    if kind is ChannelType.WEBHOOK:
        fields["content_type"] = _kept(body.content_type, before.get("content_type"), default=ContentType.JSON)
        fields["payload_format"] = _kept(
            body.payload_format, before.get("payload_format"), default=PayloadFormat.VENDOR
        )
        fields["secret_token"] = MASK if address.secret_token else None
        fields["custom_headers"] = [{"name": name, "value": MASK} for name in address.headers]
    if kind is ChannelType.EMAIL:
        fields["email_address"] = email
    if kind is ChannelType.APPRISE:
        fields["apprise_url"] = address.apprise_url and apprise_channels.masked_url(address.apprise_url, MASK)
    if not any(fields.get(name) for name in ("payload_url", "email_address", "apprise_url")):
        raise errors.InvalidRequestError(f"{_NEEDS[kind]}: a channel of type {kind.value} needs it")
    return fields


def packed(address: Address) -> str:
    """Return secrets as the text that is sealed."""
    return json.dumps({field.name: getattr(address, field.name) for field in dataclasses.fields(address)})


def _refuse_kept_secrets(before: Address, body: NotificationChannelPatch, token: str | None) -> None:
    """Refuse to send to another address what was entered for the former one, whose owner alone knows it."""
    if before.secret_token and token is None:
        raise errors.InvalidRequestError(
            "secretToken: payloadUrl is another one: enter the secret for it, or an empty one for none"
        )
    kept = before.headers if body.custom_headers is None else _masked(body.custom_headers)
    if kept:
        raise errors.InvalidRequestError(
            f"customHeaders: payloadUrl is another one: enter the value of {next(iter(kept))} for it, or leave the header out of"
            " the list"
        )


def _masked(headers: Iterable[CustomHeaderIn]) -> list[str]:
    return [header.name for header in headers if header.value.get_secret_value() == MASK]


def _headers(before: Mapping[str, str], given: list[CustomHeaderIn]) -> dict[str, str]:
    known = {name.lower(): value for name, value in before.items()}
    headers: dict[str, str] = {}
    for header in given:
        value = header.value.get_secret_value()
        addresses.checked_header(header.name, value)
        if header.name.lower() in (name.lower() for name in headers):
            raise errors.InvalidRequestError(f"customHeaders: {header.name} is there twice")
        if value == MASK and header.name.lower() not in known:
            raise errors.InvalidRequestError(
                f"customHeaders: {header.name} has no value yet: enter it instead of {MASK}"
            )
        headers[header.name] = known[header.name.lower()] if value == MASK else value
    return headers


def _plain(secret: SecretStr | None) -> str | None:
    """Return a secret that is given anew; None when it stays."""
    value = secret.get_secret_value() if secret is not None else MASK
    return None if MASK in value else value


def _kept(given: object, before: object, *, default: object) -> object:
    return next((value for value in (given, before) if value is not None), default)
