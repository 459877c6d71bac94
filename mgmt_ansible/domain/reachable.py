"""Which addresses of the network notifications may be sent to: public ones, and what the settings open."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_INET_ATON_PARTS = 4
_HEXADECIMAL, _OCTAL, _DECIMAL = 16, 8, 10


def is_reachable(address: str, allowed: Iterable[Network]) -> bool:
    """Tell whether a numeric address may be connected to.

    Args:
        address: As it is connected to, after any name was resolved; a zone (`%eth0`) counts for nothing.
        allowed: Networks that are open although they are not public.

    Returns:
        False too for what is no numeric address. An IPv6 address that stands for an IPv4 one (mapped, compatible, 6to4, Teredo,
        NAT64) must be allowed for both.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    networks = tuple(allowed)
    return all(_is_public(one) or _is_in(one, networks) for one in _meanings(found))


def numeric_host(host: str) -> str | None:
    """Return the address that a host in a URL stands for without any name service; None for a name.

    Understands what the C library does too: `2130706433`, `0x7f.1`, `0177.0.0.1`. Source: inet_aton(3).
    """
    bare = host.removeprefix("[").removesuffix("]").partition("%")[0].rstrip(".")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return _inet_aton(bare)


def _meanings(address: Address) -> Iterator[Address]:
    """Yield an address, and the IPv4 ones that are in it; a mapped one is only its IPv4."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _NAT64) or (address in _IPV4_COMPATIBLE and int(address) > 1):
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def _is_public(address: Address) -> bool:
    if (
        address in _NAT64[0] or address in _SIX_TO_FOUR
    ):  # as public as the IPv4 address in it; Pythons differ about 6to4
        return True
    special = address.is_multicast or address.is_unspecified or address.is_reserved or address.is_link_local
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not special and not site_local


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _inet_aton(text: str) -> str | None:
    parts = text.split(".")
    numbers = [_number(part) for part in parts]
    known = [number for number in numbers if number is not None]
    if len(known) != len(parts) or len(parts) > _INET_ATON_PARTS:
        return None
    *heads, last = known
    if any(head > 0xFF for head in heads) or last >= 256 ** (_INET_ATON_PARTS + 1 - len(parts)):  # noqa: PLR2004
        return None
    value = sum(head << (8 * (3 - place)) for place, head in enumerate(heads)) + last
    return str(ipaddress.IPv4Address(value))


def _number(part: str) -> int | None:
    lower = part.lower()
    base = _HEXADECIMAL if lower.startswith("0x") else _OCTAL if len(lower) > 1 and lower.startswith("0") else _DECIMAL
    digits = lower.removeprefix("0x") if base == _HEXADECIMAL else lower
    if not digits or len(digits) > 16 or not digits.isascii() or not digits.isalnum():  # noqa: PLR2004
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None
