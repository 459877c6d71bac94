"""Runs as agents reported them, and their logs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.wakeups import POLL_SECONDS, Wakeups
from mgmt_ansible.domain.run_filters import ALL_RUNS, RunFilters
from mgmt_ansible.domain.run_logs import LARGEST_NUMBER, tells_failure
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2

MOST_LINES = 5_000
"""Lines of a log in one answer, and in one page."""

KEEP_ALIVE_SECONDS = 10.0
_FOLLOWED_LINES = 500


class Runs:
    """Reads runs and their logs; NotFoundError for unknown ids."""

    def __init__(self, store: Store, wakeups: Wakeups, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._store = store
        self._wakeups = wakeups
        self._keep_alive_seconds = keep_alive_seconds

    def list_runs(
        self,
        filters: RunFilters = ALL_RUNS,
        *,
        before: int | None = None,
        limit: int = 50,
        offset: int = 0,
        hosts: bool = True,
    ) -> api_v2.Page[api_v2.Run]:
        """Return runs, newest first, without their `log_tail`.

        Args:
            filters: Which ones.
            before: Only those with a smaller sequence.
            limit: At most so many.
            offset: Skip so many.
            hosts: Whether each brings its hosts' outcomes; their numbers are there anyway.
        """
        with self._store.read() as tx:
            return tx.runs.list(filters, before=before, limit=limit, offset=offset, hosts=hosts)

    def get_run(self, run_id: str) -> api_v2.Run:
        """Return one with its `log_tail`."""
        with self._store.read() as tx:
            return tx.runs.get(run_id)

    def read_log(self, run_id: str, *, first: int = 1, limit: int = MOST_LINES) -> api_v2.RunLog:
        """Return lines from a number on, at most 5,000; a run's own report has the end of what was lost."""
        with self._store.read() as tx:
            run = tx.runs.get(run_id)
            limit = min(limit, MOST_LINES)
            lines = tx.run_logs.read(run_id, first=first, limit=limit)
        following = lines[-1].number + 1 if lines else max(first, run.log_lines + 1)
        goes_on = run.status is RunStatus.RUNNING or (len(lines) == limit and following <= run.log_lines)
        return api_v2.RunLog(
            run_id=run_id,
            status=run.status,
            log_lines=run.log_lines,
            lines=[api_v2.RunLogLine(number=line.number, text=line.text) for line in lines],
            next_line=following if goes_on else None,
        )

    def read_log_end(self, run_id: str, *, limit: int = MOST_LINES) -> api_v2.RunLog:
        """Return the last lines, at most so many."""
        with self._store.read() as tx:
            first = tx.run_logs.first_of_last(run_id, limit)
        return self.read_log(run_id, first=first, limit=limit)

    def find_in_log(self, run_id: str, text: str, *, first: int = 1) -> int | None:
        """Return the number of the first line from a number on that holds a text, whatever the case."""
        wanted = text.casefold()
        with self._store.read() as tx:
            tx.runs.get(run_id)
            return tx.run_logs.find(run_id, lambda line: wanted in line.casefold(), first=first)

    def first_failure(self, run_id: str) -> int | None:
        """Return the number of the first line that tells of a failure."""
        with self._store.read() as tx:
            return tx.run_logs.find(run_id, tells_failure, first=1)

    def raw_log(self, run_id: str, *, first: int = 1, last: int = LARGEST_NUMBER) -> Iterator[str]:
        """Yield lines with their line feeds, a piece at a time; a gap is a line in brackets."""
        number = first
        while True:
            page = self.read_log(run_id, first=number)
            lines = [line for line in page.lines if line.number <= last]
            pieces: list[str] = []
            for line in lines:
                pieces.append(f"{_lost(line.number - number)}{line.text}\n")
                number = line.number + 1
            yield "".join(pieces)
            if not lines:
                yield _lost(min(last, page.log_lines) - number + 1)
                return

    async def follow_log(
        self,
        run_id: str,
        *,
        first: int = 1,
        admitted: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[api_v2.RunLog | None]:
        """Yield what follows in a log as it comes; None every 10 s (keep-alive). Ends with the run.

        The last value has no `next_line`. It ends early when the control plane shuts down, and when `admitted()`, which may
        block and is asked at each keep-alive, says no.
        """
        asked_at = time.monotonic()
        while not self._wakeups.stopping:
            log = await asyncio.to_thread(self.read_log, run_id, first=first, limit=_FOLLOWED_LINES)
            if log.lines or log.next_line is None:
                yield log
            if log.next_line is None:
                return
            first = log.next_line
            if time.monotonic() - asked_at >= self._keep_alive_seconds:
                if not await asyncio.to_thread(admitted):
                    return
                asked_at = time.monotonic()
                yield None
            if not log.lines:
                await self._wakeups.wait(POLL_SECONDS)


def _lost(count: int) -> str:
    """Return the line that stands for lines that never came."""
    return f"[{count} line{'' if count == 1 else 's'} lost]\n" if count > 0 else ""
