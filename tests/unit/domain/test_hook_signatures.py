"""Signatures of inbound webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mgmt_ansible.domain.hook_signatures import Delivery, HookKind, refusal

NOW = datetime(2026, 11, 1, tzinfo=UTC)
KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def signed(kind: HookKind, *, at: datetime = NOW, body: bytes = b'{"a":1}') -> Delivery:
    """Sign as the sender's documentation says, without our own code."""
    stamp = str(int(at.timestamp()))
    key = SECRET.encode() if kind is HookKind.MLFLOW else KEY
    mac = hmac.new(key, f"d-1.{stamp}.".encode() + body, hashlib.sha256).digest()
    return Delivery(id="d-1", timestamp=stamp, signatures="v1," + base64.b64encode(mac).decode(), body=body)


@pytest.mark.parametrize("kind", list(HookKind))
def test_what_was_signed_with_the_secret_is_believed(kind: HookKind):
    """Also beside another signature, as while secrets are changed."""
    delivery = signed(kind)

    assert "" == refusal(delivery, kind, SECRET, now=NOW)
    several = replace(delivery, signatures=f"v1,AAAA {delivery.signatures}")
    assert "" == refusal(several, kind, SECRET, now=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b'{"a":2}'},
        {"id": "d-2"},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 129},
        {"timestamp": str(int(NOW.timestamp()) + 1)},
        {"timestamp": ""},
        {"timestamp": "-5"},
        {"timestamp": "1e9"},
        {"timestamp": "\u0661" * 10},
        {"signatures": ""},
        {"signatures": "v1,"},
        {"signatures": "v1,\u20ac"},
        {"signatures": "v0,AAAA"},
    ],
)
@pytest.mark.parametrize("kind", list(HookKind))
def test_anything_else_is_not(kind: HookKind, changed: dict):
    """With the header that is wrong."""
    assert "-" in refusal(replace(signed(kind), **changed), kind, SECRET, now=NOW)


@pytest.mark.parametrize(("seconds", "believed"), [(-299, True), (299, True), (-301, False), (301, False)])
def test_a_delivery_is_believed_for_five_minutes(seconds: int, believed: bool):
    """Either way, as clocks differ."""
    delivery = signed(HookKind.MLFLOW, at=NOW + timedelta(seconds=seconds))

    assert believed is (refusal(delivery, HookKind.MLFLOW, SECRET, now=NOW) == "")
