"""Answers and connections that failed, as errors of the tree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from mgmt_ansible import errors

_UNAVAILABLE = frozenset({502, 503, 504})
_MAXIMUM_TEXT = 2000

BY_CODE: dict[str, type[errors.MgmtAnsibleError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidRequestError,
        errors.ArchiveError,
        errors.RenderError,
        errors.AccessError,
        errors.ForbiddenError,
        errors.TooManyRequestsError,
        errors.NotFoundError,
        errors.GoneError,
        errors.ConflictError,
        errors.TransitionError,
        errors.ClaimLostError,
    )
}
"""Problem code -> error; a code that is not here becomes a ControlPlaneError."""

_BY_STATUS: dict[int, type[errors.MgmtAnsibleError]] = {
    400: errors.InvalidRequestError,
    401: errors.AccessError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    410: errors.GoneError,
    413: errors.InvalidRequestError,
    422: errors.InvalidRequestError,
    429: errors.TooManyRequestsError,
}


def error_of(status: int, body: bytes) -> errors.MgmtAnsibleError:
    """Return the error that an answer stands for.

    Args:
        status: HTTP status, 300 or higher.
        body: A Problem as JSON, or whatever a proxy on the way wrote.
    """
    code, message, request_id = _problem(body)
    text = message or f"the control plane answered {status}"
    if status in _UNAVAILABLE:
        return errors.ControlPlaneUnavailableError(f"the control plane is not available ({status}): {text}")
    kind = BY_CODE.get(code) or _BY_STATUS.get(status)
    if kind is not None:
        return kind(text)
    return errors.ControlPlaneError(f"{text} (HTTP {status}{f', request {request_id}' if request_id else ''})")


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn errors of requests and urllib3 into those of the tree.

    Raises:
        ControlPlaneUnavailableError: Refused, reset, timed out, name unknown, certificate not trusted.
        ControlPlaneError: Everything else that requests can raise, such as a malformed answer.
    """
    try:
        yield
    except requests.exceptions.SSLError as exc:
        raise errors.ControlPlaneUnavailableError(
            f"{url}: its certificate is not trusted: name the authority with `ca_file` ({_reason(exc)})"
        ) from exc
    except requests.exceptions.Timeout as exc:
        raise errors.ControlPlaneUnavailableError(f"{url}: no answer in time ({_reason(exc)})") from exc
    except (
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.ProtocolError,
        urllib3.exceptions.TimeoutError,
    ) as exc:
        raise errors.ControlPlaneUnavailableError(
            f"{url}: the control plane does not answer: is `mgmt-ansible serve` (or `up`) running there? ({_reason(exc)})"
        ) from exc
    except UnicodeError as exc:  # requests reads a Location as UTF-8, and lets this through
        raise errors.ControlPlaneError(f"{url}: a header of the answer is not text") from exc
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as exc:
        raise errors.ControlPlaneError(f"{url}: {_reason(exc)}") from exc


def _problem(body: bytes) -> tuple[str, str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return "", "", ""
    if not isinstance(value, dict):
        return "", "", ""
    code, message, request_id = (value.get(key) for key in ("code", "message", "requestId"))
    return tuple(part[:_MAXIMUM_TEXT] if isinstance(part, str) else "" for part in (code, message, request_id))  # type: ignore[return-value]


def _reason(error: BaseException) -> str:
    """Return the innermost sentence: requests wraps urllib3, which wraps the socket's error."""
    inner: object = error
    while isinstance(inner, BaseException):
        deeper = getattr(inner, "reason", None) or next(
            (arg for arg in inner.args if isinstance(arg, BaseException)), None
        )
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    text = str(inner).rsplit(": ", 1)[-1] if isinstance(inner, urllib3.exceptions.HTTPError) else str(inner)
    return text[:300] or type(inner).__name__
