"""The courier: a process that sends messages, one after the other, and may do nothing else.

It reads JSON lines: first `{"timeout_seconds": 5, "networks": [...], "scheme": null}`, then jobs, each of which it answers. It knows no database, no
log and no settings; what it is to keep secret comes by its standard input and never stands on its command line. Who started it kills
it when an answer takes too long: some libraries wait for each octet anew.
"""

from __future__ import annotations

import http.client
import importlib
import ipaddress
import json
import logging
import os
import resource
import socket
import ssl
import sys
from collections.abc import Mapping
from typing import Any, TextIO
from urllib.parse import urlsplit

from mgmt_ansible.control_plane.notifying import guard
from mgmt_ansible.control_plane.notifying.apprise_channels import MODULES

ANSWER_BYTES = 2_000
"""As much of an answer is read."""

MEMORY_BYTES = 1024**3
_AGAIN = frozenset({408, 425, 429})
"""Source: RFC 9110, RFC 8470, RFC 6585; and every 5xx."""

_FIRST_REDIRECT, _FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 300, 400, 500


def main() -> None:
    """Serve until standard input ends."""
    answers = _own_answers()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    limits = json.loads(sys.stdin.readline() or "null")
    if limits is None:
        return
    if limits["scheme"]:
        _load(limits["scheme"])
    refused = guard.install(ipaddress.ip_network(network) for network in limits["networks"])
    jobs = Jobs(float(limits["timeout_seconds"]), refused)
    for line in sys.stdin:
        print(json.dumps(jobs.answer(json.loads(line))), file=answers, flush=True)


def _own_answers() -> TextIO:
    """Keep what libraries print away from the answers."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _load(scheme: str) -> Any:
    """Load Apprise, and of its services the one with this scheme; while it loads it looks for libraries of the system."""
    importlib.import_module("apprise")
    module, name = MODULES[scheme]
    return getattr(importlib.import_module(f"apprise.plugins.{module}"), name)


class Jobs:
    """Does what is asked for.

    Args:
        timeout_seconds: For connecting, and between two octets.
        refused: What the guard has refused.
    """

    def __init__(self, timeout_seconds: float, refused: list[str]) -> None:
        self._timeout = timeout_seconds
        self._refused = refused

    def answer(self, job: Mapping[str, Any]) -> dict[str, object]:
        """Return how a job ended: `delivered`, `final` (trying again is of no use), `code`, `text`, `retry_after`."""
        self._refused.clear()
        found = self._attempt(job)
        if self._refused and not found["delivered"]:
            return _failed(self._refused[-1], final=True)
        return found

    def _attempt(self, job: Mapping[str, Any]) -> dict[str, object]:
        try:
            return self._post(job) if job["kind"] == "http" else self._tell_by_apprise(job)
        except (OSError, http.client.HTTPException) as exc:
            return _failed(_words(exc))
        except Exception as exc:  # noqa: BLE001 - a library's defect is an answer too, not the end of the process
            return _failed(f"{type(exc).__name__}: {exc}")

    def _post(self, job: Mapping[str, Any]) -> dict[str, object]:
        """Send a body; redirects are not followed."""
        parts = urlsplit(job["url"])
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection = _connection(
            parts.scheme, parts.hostname or "", parts.port, self._timeout, verify=bool(job["verify"])
        )
        try:
            connection.request("POST", path, body=job["body"].encode(), headers=dict(job["headers"]))
            response = connection.getresponse()
            text = response.read(ANSWER_BYTES).decode("utf-8", errors="replace")
            return _judged(response.status, text, response.headers.get("Retry-After"))
        finally:
            connection.close()

    def _tell_by_apprise(self, job: Mapping[str, Any]) -> dict[str, object]:
        recorder = _Recorder(self._timeout)
        said = _listen()
        try:
            with recorder:
                told = _service(job["url"]) is not None and (job.get("check") or _notify(job))
        except TypeError as exc:  # what Apprise raises for a URL that lacks something
            return _failed(f"Apprise does not accept the URL: {exc}", final=True)
        finally:
            said.stop()
        if told:
            return {"delivered": True, "final": True, "code": recorder.code, "text": recorder.text, "retry_after": None}
        if recorder.code is not None:
            return {**_judged(recorder.code, recorder.text, recorder.retry_after), "delivered": False}
        return _failed(said.text() or "Apprise could not deliver it", final=bool(job.get("check")))


def _service(url: str) -> Any:
    """Return one service of Apprise, from its own module."""
    made = _load(urlsplit(url).scheme)
    found = made.parse_url(url)
    if not found:
        raise TypeError("it cannot be read")
    return made(asset=_asset(), **{key: value for key, value in found.items() if key != "asset"})


def _notify(job: Mapping[str, Any]) -> bool:
    apprise: Any = importlib.import_module("apprise")
    teller = apprise.Apprise(asset=_asset())
    teller.add(_service(job["url"]))
    return bool(teller.notify(title=job["subject"], body=job["text"], body_format="text", notify_type=job["type"]))


def _asset() -> Any:
    asset: Any = importlib.import_module("apprise").AppriseAsset(storage_mode="memory")
    asset.app_id = asset.app_desc = "mgmt-ansible"
    asset.app_url = "https://example.invalid/mgmt-ansible"
    asset.async_mode = False
    asset.image_url_mask = asset.image_url_logo = None
    return asset


class _Recorder:
    """Remembers what Apprise's services were answered; keeps them from redirects and from waiting long."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self.code: int | None = None
        self.text = ""
        self.retry_after: str | None = None

    def __enter__(self) -> None:
        sessions: Any = importlib.import_module("requests").Session
        recorder, send = self, sessions.send

        def recording(session: Any, request: Any, **options: Any) -> Any:
            options |= {"allow_redirects": False, "timeout": (recorder._timeout, recorder._timeout)}
            return recorder._record(lambda: send(session, request, **options))

        self._sessions, self._send = sessions, send
        sessions.send = recording

    def __exit__(self, *_: object) -> None:
        self._sessions.send = self._send

    def _record(self, send: Any) -> Any:
        response = send()
        self.code, self.text = response.status_code, response.text[:ANSWER_BYTES]
        self.retry_after = response.headers.get("Retry-After")
        return response


class _listen(logging.Handler):  # noqa: N801 - used like a function
    """Collects what Apprise logs, which is the only place where it says why."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        self._log = logging.getLogger("apprise")
        self._log.setLevel(logging.DEBUG)
        self._log.propagate = False
        self._log.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what tells of a failure."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING or "Exception" in text or "error" in text.lower():
            self._lines.append(text)

    def stop(self) -> None:
        """Listen no longer."""
        self._log.removeHandler(self)

    def text(self) -> str:
        """Return what was said."""
        return "; ".join(self._lines)[-ANSWER_BYTES:]


def _connection(
    scheme: str, host: str, port: int | None, timeout: float, *, verify: bool
) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _judged(code: int, text: str, retry_after: str | None) -> dict[str, object]:
    answer: dict[str, object] = {
        "delivered": False,
        "final": False,
        "code": code,
        "text": text,
        "retry_after": retry_after,
    }
    if code < _FIRST_REDIRECT:
        return {**answer, "delivered": True, "final": True, "retry_after": None}
    if code < _FIRST_CLIENT_ERROR:
        return {**answer, "final": True, "text": "a redirect, which is not followed: give the address it leads to"}
    return {**answer, "final": code < _FIRST_SERVER_ERROR and code not in _AGAIN}


def _failed(text: str, *, final: bool = False) -> dict[str, object]:
    return {"delivered": False, "final": final, "code": None, "text": text[:ANSWER_BYTES], "retry_after": None}


def _words(exc: BaseException) -> str:
    """Return a refused connection, a name that is not known or a silence in words."""
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    if isinstance(exc, socket.gaierror):
        return "the name of the host is not known here"
    said = getattr(exc, "strerror", None) or str(exc)
    return f"{type(exc).__name__}: {said}" if said else type(exc).__name__


if __name__ == "__main__":
    main()
