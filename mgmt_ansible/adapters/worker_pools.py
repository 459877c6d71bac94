"""Workers on this machine: a thread a run, at most so many at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mgmt_ansible.domain.runs import RunOutcome, RunRequest
from mgmt_ansible.ports import CancelSignal, ProgressSink, Workers


class ThreadWorkers:
    """Executes runs in threads of its own, so that no caller's thread forks Ansible."""

    def __init__(self, execute: Callable[[RunRequest, ProgressSink, CancelSignal], RunOutcome], *, size: int) -> None:
        """Start with no threads.

        Args:
            execute: Executes one run; must be safe to call from several threads.
            size: Runs at once; more wait for their turn.
        """
        self._execute = execute
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="run")

    def submit(self, request: RunRequest, progress: ProgressSink, cancel: CancelSignal) -> RunOutcome:
        """Execute a run and block until it is final.

        Raises:
            ExecutionError: The run could not be executed at all.
        """
        return self._pool.submit(self._execute, request, progress, cancel).result()

    def close(self) -> None:
        """Take no more runs and wait for those under way."""
        self._pool.shutdown(wait=True)


_conforms: type[Workers] = ThreadWorkers
