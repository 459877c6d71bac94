"""Addresses of channels: what is refused when it is entered. What a name resolves to is judged when it is connected to (`guard`)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from mgmt_ansible import errors
from mgmt_ansible.domain.reachable import Network, is_reachable, numeric_host

FORBIDDEN_HEADERS = frozenset(
    [
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    ]
)
_FIRST_PRINTABLE, _LAST_ASCII = 0x20, 0x7E


def checked_url(url: str, allowed: Iterable[Network]) -> str:
    """Return an http or https URL that may be sent to.

    Raises:
        InvalidRequestError: The message says what is wrong, never the URL.
    """
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise errors.InvalidRequestError("payloadUrl: must hold no user and password: use secretToken or customHeaders")
    if parts.fragment:
        raise errors.InvalidRequestError("payloadUrl: must have no fragment (#)")
    address = numeric_host(parts.hostname or "")
    if address is not None and not is_reachable(address, allowed):
        raise errors.InvalidRequestError(
            f"payloadUrl: the address {address} is not public: an administrator can open its network by the setting"
            " notifications/allowed_networks"
        )
    return url


def masked_url(url: str, mask: str, *, whole_path: bool) -> str:
    """Return what of a URL anybody may see; the values of its query never."""
    parts = urlsplit(url)
    path = parts.path if whole_path else f"/{mask}"
    return f"{parts.scheme}://{parts.netloc}{path}{'?' + mask if parts.query and whole_path else ''}"


def checked_header(name: str, value: str) -> None:
    """Refuse a header that would change how a request is read.

    Raises:
        InvalidRequestError: The message names the header.
    """
    if name.lower() in FORBIDDEN_HEADERS:
        raise errors.InvalidRequestError(f"customHeaders: {name} is set by us")
    if any(not _FIRST_PRINTABLE <= ord(character) <= _LAST_ASCII for character in value):
        raise errors.InvalidRequestError(f"customHeaders: the value of {name} holds a line end or is not ASCII")


def _split(url: str) -> SplitResult:
    odd = any(not _FIRST_PRINTABLE < ord(character) <= _LAST_ASCII or character in '\\"<>^`{|}' for character in url)
    if odd:
        raise errors.InvalidRequestError("payloadUrl: holds a blank or another character that must be quoted (%20)")
    refusal = "payloadUrl: must be an http or https URL such as https://example.org/hook"
    try:
        parts = urlsplit(url)
        acceptable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as exc:
        raise errors.InvalidRequestError(refusal) from exc
    if not acceptable:
        raise errors.InvalidRequestError(refusal)
    return parts
