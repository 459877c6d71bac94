"""Couriers, from outside: starting the process that sends, asking it, and killing it when it takes too long."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from mgmt_ansible import errors

_MODULE = "mgmt_ansible.control_plane.notifying.courier"
_PASSED = (
    "LANG",
    "LC_ALL",
    "PATH",
    "PYTHONPATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TZ",
)
START_SECONDS = 20.0
"""More for the first answer: a library is loaded, perhaps on a busy machine."""

_WHOLE_TRY = 3
"""Times the timeout: connecting, writing and reading may each take one."""

_LONGEST_LINE = 1_000_000


class CourierLostError(errors.MgmtAnsibleError):
    """The process ended, or was killed as it did not answer in time; whether it sent is not known."""

    code = "internal"


class Courier:
    """One process that sends; a context manager. Starts at the first job.

    Args:
        timeout_seconds: For connecting, and between two octets; a whole try may take three times as long.
        networks: What is open beside public addresses.
    """

    def __init__(self, *, timeout_seconds: float, networks: tuple[str, ...]) -> None:
        self._limits = {"timeout_seconds": timeout_seconds, "networks": list(networks)}
        self._try_seconds = _WHOLE_TRY * timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._scheme: str | None = None
        self._ended = False

    def __enter__(self) -> Courier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def longest_seconds(self) -> float:
        """How long one job takes at most; then the process is killed."""
        return START_SECONDS + self._try_seconds

    def send(self, job: Mapping[str, object]) -> dict[str, Any]:
        """Do a job and return its answer.

        Raises:
            CourierLostError: See there.
        """
        deadline = time.monotonic() + self._try_seconds
        scheme = str(job["url"]).partition("://")[0] if job["kind"] == "apprise" else None
        try:
            process = self._process
            if process is None or process.poll() is not None or scheme != self._scheme:
                process = self._start(scheme)
                deadline += START_SECONDS
            _write(process, job)
            return _read(process, deadline)
        except (OSError, ValueError) as exc:
            self.close()
            raise CourierLostError(f"the message was not sent in time, or sending broke: {exc}") from exc

    def close(self) -> None:
        """End the process, whatever it is at; idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def end(self) -> None:
        """End it for good, from another thread: whoever waits for an answer is told at once that there is none."""
        self._ended = True
        process = self._process
        if process is not None:
            process.kill()  # its streams are closed by who reads them, who would not notice it otherwise

    def _start(self, scheme: str | None) -> subprocess.Popen[bytes]:
        self.close()
        given = {name: os.environ[name] for name in _PASSED if name in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={**given, "HOME": "/nonexistent", "PYTHONSAFEPATH": "1"},
            start_new_session=True,
        )
        self._process = process
        self._scheme = scheme
        if self._ended:
            raise ValueError("the control plane ends")
        _write(process, {**self._limits, "scheme": scheme})
        return process


def _write(process: subprocess.Popen[bytes], value: Mapping[str, object]) -> None:
    if process.stdin is None:
        raise ValueError("it takes no jobs")
    octets = memoryview(json.dumps(value).encode() + b"\n")
    while octets:
        octets = octets[process.stdin.write(octets) or 0 :]


def _read(process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
    """Return the next line's value; ValueError when there is none in time."""
    if process.stdout is None:
        raise ValueError("it gives no answers")
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise ValueError("no answer in time")
            octets = os.read(process.stdout.fileno(), 65_536)
            if not octets or len(line) > _LONGEST_LINE:
                raise ValueError("the process ended")
            line += octets
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("it answered something else")  # noqa: TRY004 - one family for all that breaks
    return answer
