"""Measure for how long nobody answered on a port while traffic moved."""

from __future__ import annotations

import threading
import time

from . import http_probe

_POLL_SECONDS = 0.01


class GapMeter:
    """Asks the stable port again and again from a thread of its own; also a context manager.

    Attributes:
        seconds: Sum of the times from the last answer before a silence to the first one after it; valid after the end.
    """

    def __init__(self, bind_address: str, port: int) -> None:
        self._address = http_probe.local_address(bind_address)
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self.seconds = 0.0

    def __enter__(self) -> GapMeter:
        self._answered = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.seconds = round(self.seconds, 4)

    def _measure(self) -> None:
        silent = False
        while not self._ended.is_set():
            answer = http_probe.ask(self._address, self._port, "/v2/health/ready", seconds=1.0)
            now = time.monotonic()
            if answer is not None and answer.status == http_probe.OK:
                self.seconds += now - self._answered if silent else 0.0
                self._answered, silent = now, False
            else:
                silent = True
            self._ended.wait(_POLL_SECONDS)
        if silent:
            self.seconds += time.monotonic() - self._answered
