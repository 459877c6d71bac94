"""Signatures of inbound webhooks: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, fresh, and each id once.

MLflow signs with the secret's own characters as the key; Standard Webhooks with the octets that its base64 stands for.
Sources: MLflow's public documentation of webhooks; the Standard Webhooks specification 1.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

WINDOW_SECONDS = 300
"""How far a delivery's clock may be off, either way."""
SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix by which secret scanners know it

_ID = re.compile(r"[\x21-\x7e]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,13}", re.ASCII)
_MILLISECONDS = 100_000_000_000


class HookKind(StrEnum):
    """Who sends: it decides on headers and key."""

    MLFLOW = "mlflow"
    GENERIC = "generic"


HEADERS = {
    HookKind.MLFLOW: ("x-mlflow-delivery-id", "x-mlflow-timestamp", "x-mlflow-signature"),
    HookKind.GENERIC: ("webhook-id", "webhook-timestamp", "webhook-signature"),
}
"""Kind -> headers of the delivery's id, time and signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came: headers as text, empty when they are missing, and the body's octets."""

    id: str
    timestamp: str
    signatures: str
    body: bytes


def refusal(delivery: Delivery, kind: HookKind, secret: str, *, now: datetime) -> str:
    """Return why a delivery is not believed; empty when it is.

    Args:
        delivery: As it came.
        kind: Decides on the key.
        secret: `whsec_` and base64.
        now: Aware.
    """
    if not _ID.fullmatch(delivery.id):
        return f"{HEADERS[kind][0]}: is missing, or no id"
    if not _SECONDS.fullmatch(delivery.timestamp):
        return f"{HEADERS[kind][1]}: is missing, or no number of seconds since 1970"
    told = int(delivery.timestamp)
    seconds = told / 1000 if told >= _MILLISECONDS else float(told)
    if abs(now.timestamp() - seconds) > WINDOW_SECONDS:
        return f"{HEADERS[kind][1]}: is off by more than {WINDOW_SECONDS} s"
    expected = signature(delivery, kind, secret)
    given = delivery.signatures.encode(errors="replace").split()
    if not any([hmac.compare_digest(one, expected.encode()) for one in given]):  # noqa: C419 - each is compared
        return f"{HEADERS[kind][2]}: is not the signature of this body with this webhook's secret"
    return ""


def signature(delivery: Delivery, kind: HookKind, secret: str) -> str:
    """Return the one signature that is right; ValueError for a secret that is none."""
    signed = f"{delivery.id}.{delivery.timestamp}.".encode() + delivery.body
    digest = hmac.digest(_key(kind, secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(kind: HookKind, secret: str) -> bytes:
    if kind is HookKind.MLFLOW:
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as exc:
        raise ValueError("the secret is no base64") from exc
