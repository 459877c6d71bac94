"""Which addresses notifications may be sent to."""

from __future__ import annotations

import ipaddress

import pytest

from mgmt_ansible.domain.reachable import is_reachable, numeric_host

PRIVATE = [
    "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::7f00:1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::a00:1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip
"""Teredo's last: the client's 192.0.2.45 is in it, inverted."""


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_not_reachable(address):
    """In each of its spellings."""
    assert not is_reachable(address, ())


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_what_is_public_is_reachable(address):
    """Nothing has to be set."""
    assert is_reachable(address, ())


@pytest.mark.parametrize(
    "address", ["localhost", "", "1.1.1", "0x7f.1", "2130706433", "/var/run/x", "::1::", "1.1.1.1 "]
)
def test_what_is_no_address_is_not_reachable(address):
    """Names are judged by what they resolve to."""
    assert not is_reachable(address, (ipaddress.ip_network("0.0.0.0/0"),))


@pytest.mark.parametrize(
    ("network", "address", "expected"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "64:ff9b::10.1.2.3", True),
        ("10.0.0.0/8", "2002:a01:203::", True),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "::1", False),
        ("::1/128", "::1", True),
        ("fd00::/8", "fd12::1", True),
        ("::/0", "::ffff:127.0.0.1", False),
        ("::/0", "::127.0.0.1", False),
    ],
)
def test_settings_open_a_network(network, address, expected):
    """And nothing beside it; an IPv6 network opens no IPv4 address."""
    assert expected is is_reachable(address, (ipaddress.ip_network(network),))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("[::1]", "::1"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("example.org", None),
        ("1.2.3.4.5", None),
        ("256.1.1.1", None),
        ("08.1.1.1", None),
        ("0x", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_a_host_that_is_a_number_is_known_as_one(host, address):
    """As the C library reads it."""
    assert address == numeric_host(host)
