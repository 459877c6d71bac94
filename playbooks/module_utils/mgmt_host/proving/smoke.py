"""The smoke prediction: what the package's manifest asks, and how its answer is compared."""

from __future__ import annotations

import json
import math
import os
import re
from typing import Any

from ..content import packages
from ..failures import HostError, evidence
from ..machine import durable_files

DEFAULT_TOLERANCE = 1e-4
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(?:; ?charset=[A-Za-z0-9-]{1,20})?")


def find(package_dir: str) -> dict[str, Any] | None:
    """Return the smoke request of an unpacked package; None when it has none."""
    manifest = durable_files.read_json(os.path.join(package_dir, packages.MANIFEST_NAME)) or {}
    wanted = manifest.get("smoke")
    return wanted if isinstance(wanted, dict) and "request" in wanted else None


def body(wanted: dict[str, Any]) -> tuple[bytes, str]:
    """Return what is posted and its media type: a text as it stands, anything else as JSON.

    Raises:
        HostError: `artifact`: the media type is none.
    """
    request, kind = wanted["request"], wanted.get("content_type", "application/json")
    if not isinstance(kind, str) or not _MEDIA_TYPE.fullmatch(kind):
        raise _wrong("content_type must be a media type such as text/csv", kind)
    text = request if isinstance(request, str) and "content_type" in wanted else json.dumps(request)
    return text.encode("utf-8", "replace"), kind


def find_fault(wanted: dict[str, Any], answer: bytes) -> str | None:
    """Return how an answer differs from what the package expects; None when it does not, or when nothing is expected.

    Raises:
        HostError: `artifact`: the package expects something of another shape.
    """
    if "answer" not in wanted:
        return None
    tolerance = wanted.get("tolerance", DEFAULT_TOLERANCE)
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)):
        raise _wrong("tolerance must be a number", tolerance)
    try:
        said = json.loads(answer.decode("utf-8"))
        return _differs("answer", said, wanted["answer"], float(tolerance))
    except (ValueError, RecursionError, OverflowError) as error:
        return "the answer cannot be compared: {}".format(error)


def close(left: Any, right: Any, tolerance: float) -> bool:
    """Tell whether two values are the same, numbers within a tolerance."""
    numbers = (int, float)
    if isinstance(left, numbers) and isinstance(right, numbers):
        try:
            both_nan = math.isnan(left) and math.isnan(right)
            return both_nan or left == right or abs(left - right) <= tolerance
        except OverflowError:
            return False
    return bool(left == right)


def _differs(where: str, said: Any, wanted: Any, tolerance: float) -> str | None:
    """Compare what is wanted only: an object may say more than that."""
    if isinstance(wanted, dict):
        if not isinstance(said, dict):
            return "{} is no object".format(where)
        pairs = [("{}.{}".format(where, key), said.get(key), value) for key, value in wanted.items()]
    elif isinstance(wanted, list):
        if not isinstance(said, list) or len(said) != len(wanted):
            return "{} is not a list of {} values".format(where, len(wanted))
        pairs = [("{}[{}]".format(where, place), *both) for place, both in enumerate(zip(said, wanted))]
    else:
        return None if close(said, wanted, tolerance) else "{} is {} instead of {}".format(where, said, wanted)
    faults = (_differs(name, left, right, tolerance) for name, left, right in pairs)
    return next((fault for fault in faults if fault), None)


def _wrong(rule: str, found: object) -> HostError:
    message = "the package's smoke.{}; correct its manifest".format(rule)
    return HostError("artifact", message, [evidence("manifest", json.dumps(found)[:1000])])
