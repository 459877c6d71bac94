"""Lines of runs on their way to the spool, from a thread of their own: whoever writes lines never waits for a disk.

```
 take -> [5,000 lines at most] -> once a second: reports of at most 500 lines -> spool
           '-- full, or the run has sent its share: the line keeps its number and is lost, which leaves a gap
```
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import LogReport
from mgmt_ansible.domain.run_logs import MOST_CHARACTERS, MOST_LINES, LogLine
from mgmt_ansible.ports import Clock, ReportSpool

_EVERY_SECONDS = 1.0
_WAITING_LINES = 5_000
_REPORT_LINES = 500
_REPORT_CHARACTERS = 200_000
_LAST_SECONDS = 5.0
"""How long the end of a run waits for a disk to take its last lines."""

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Run:
    """A run whose lines are taken.

    Attributes:
        told: Whether the control plane was told that it began.
        number: Of the newest line.
        characters: Of the lines that were not lost.
    """

    run_id: str
    playbook: str
    started_at: datetime
    told: bool = False
    number: int = 0
    characters: int = 0


class LogShipper:
    """Ships the logs of one claim's runs, one run after the other."""

    def __init__(self, *, claim: Claim, spool: ReportSpool, clock: Clock, make_id: Callable[[], str]) -> None:
        """Take where lines go; the thread begins with the first run."""
        self._claim = claim
        self._spool = spool
        self._clock = clock
        self._make_id = make_id
        self._lock = threading.Lock()
        self._shipping = threading.Lock()  # so that reports of a run reach the spool in their order
        self._closing = threading.Event()
        self._run: _Run | None = None
        self._waiting: deque[LogLine] = deque()
        self._thread: threading.Thread | None = None

    def begin(self, run_id: str, playbook: str) -> None:
        """Take that a run begins, which is told at once; what waits of a former one is sent first."""
        self._ship()
        with self._lock:
            self._waiting.clear()
            self._run = _Run(run_id=run_id, playbook=playbook, started_at=self._clock.now())
        self._ship()
        if self._thread is None:
            self._thread = threading.Thread(target=self._ship_on, name=f"log-{run_id[:8]}", daemon=True)
            self._thread.start()

    def take(self, run_id: str, lines: Sequence[str]) -> None:
        """Take lines of the run; those of another are nobody's."""
        with self._lock:
            run = self._run
            if run is None or run.run_id != run_id:
                return
            for line in lines:
                run.number += 1
                if self._has_room(run, line):
                    run.characters += len(line)
                    self._waiting.append(LogLine(number=run.number, text=line))

    def close(self) -> None:
        """Send what waits, and end; a disk that does not answer is waited for a few seconds only."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_LAST_SECONDS)

    def _has_room(self, run: _Run, line: str) -> bool:
        within = run.number <= MOST_LINES and run.characters + len(line) <= MOST_CHARACTERS
        return within and len(self._waiting) < _WAITING_LINES

    def _ship_on(self) -> None:
        while not self._closing.wait(_EVERY_SECONDS):
            self._ship()
        self._ship()

    def _ship(self) -> None:
        with self._shipping:
            while (report := self._next()) is not None:
                try:
                    self._spool.put(report)
                except errors.StoreError as exc:
                    _log.warning("log_lost", action_id=report.action_id, lines=len(report.lines), error=str(exc))

    def _next(self) -> LogReport | None:
        with self._lock:
            run = self._run
            if run is None or (run.told and not self._waiting):
                return None
            run.told = True
            lines = self._consecutive()
        return LogReport(
            id=self._make_id(),
            action_id=self._claim.spec.id,
            attempt=self._claim.attempt,
            run_id=run.run_id,
            playbook=run.playbook,
            started_at=run.started_at,
            first=lines[0].number if lines else 1,
            lines=tuple(line.text for line in lines),
        )

    def _consecutive(self) -> list[LogLine]:
        lines: list[LogLine] = []
        characters = 0
        while self._waiting and len(lines) < _REPORT_LINES and characters < _REPORT_CHARACTERS:
            if lines and self._waiting[0].number != lines[-1].number + 1:
                break
            lines.append(self._waiting.popleft())
            characters += len(lines[-1].text)
        return lines
