"""The end of a run before its own: asked for by its cancel signal, by the clock, or by an error of ours."""

from __future__ import annotations

import time
from pathlib import Path

from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.execution.run_processes import stop_run_processes
from mgmt_ansible.ports import CancelSignal


class RunWatch:
    """Watches one run and stops all of its processes when it must end.

    Attributes:
        stopped: `canceled` or `timeout` once it was stopped; None while it goes on.
    """

    def __init__(self, directory: Path, cancel: CancelSignal, *, timeout_seconds: float) -> None:
        """Begin; the time counts from here.

        Args:
            directory: The run's private data directory.
            cancel: Asked again and again.
            timeout_seconds: For the whole run.
        """
        self.stopped: RunStatus | None = None
        self._directory = directory
        self._cancel = cancel
        self._deadline = time.monotonic() + timeout_seconds

    def must_end(self) -> bool:
        """Tell whether the run is over by our will; its processes are stopped when it first is."""
        if self.stopped is None:
            self.stopped = self._reason()
            if self.stopped is not None:
                self.stop()
        return self.stopped is not None

    def stop(self) -> bool:
        """Stop what runs; returns whether there was anything."""
        return stop_run_processes(self._directory)

    def _reason(self) -> RunStatus | None:
        if self._cancel.reason() is not None:
            return RunStatus.CANCELED
        return RunStatus.TIMEOUT if time.monotonic() >= self._deadline else None
