"""Reports on their way: an fsynced SQLite file, sent in the background, in order, each once.

```
 put -> fsync -> [spool] -> batch of at most 100 -> 2xx -> deleted
                    ^            |-- not answered: back off with jitter, 1 s to 60 s, the same batch again
                    |            '-- refused for good: one by one; the refused one is dropped, a result is replaced once
                    '-- the receiver knows each report by its id, so a batch whose answer was lost does no harm
```
"""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.reports import Report, ResultReport
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.ports import ReportSpool
from mgmt_ansible.wire import agent_v1

_FIRST_BACK_OFF_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 60.0
_MESSAGE_LIMIT = 1_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
)
"""

_SUBSTITUTE = "substitute"
"""The kind, in the spool only, of a result that stands for one that was refused: it is not replaced again."""

_REFUSED_FOR_GOOD = (errors.InvalidRequestError, errors.NotFoundError, errors.ConflictError)

_OLDEST = "SELECT position FROM reports ORDER BY kind = 'progress' DESC, kind = 'hosts' DESC, position LIMIT ?"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    position: int
    kind: str
    report: Report


class SqliteReportSpool:
    """One spool file; owned by one process, used by all of its threads."""

    def __init__(
        self,
        path: Path,
        send: Callable[[Sequence[Report]], None],
        *,
        capacity: int = 100_000,
        first_back_off_seconds: float = _FIRST_BACK_OFF_SECONDS,
    ) -> None:
        """Open the spool; nothing is sent before `start`.

        Args:
            path: File; made when missing, with what an earlier process left in it.
            send: Delivers a batch; raises ControlPlaneUnavailableError to be asked again.
            capacity: Reports, at most; beyond it the oldest progress goes first.
            first_back_off_seconds: Doubled with every failure, up to 60 s.

        Raises:
            StoreError: The file cannot be opened.
        """
        self._send = send
        self._capacity = capacity
        self._first_back_off = first_back_off_seconds
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._empty = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="report-spool", daemon=True)
        self._connection = _open(path)
        self._note_empty()

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._thread.start()

    def put(self, report: Report) -> None:
        """Store a report durably; one that is there already is ignored.

        Raises:
            StoreError: The disk refused.
        """
        body = agent_v1.to_json(agent_v1.REPORT, report)
        try:
            with self._lock, self._connection:
                row = (report.id, report.kind, body)
                self._connection.execute("INSERT OR IGNORE INTO reports (id, kind, body) VALUES (?, ?, ?)", row)
                self._empty.clear()
                self._drop_surplus()
        except sqlite3.Error as exc:
            raise errors.StoreError(f"the report spool refused a report: {exc}; check the disk of data_dir") from exc
        self._wake.set()

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything is delivered; False when the time was over first."""
        self._wake.set()
        return self._empty.wait(timeout_seconds)

    def close(self) -> None:
        """Stop delivering; what is left waits for the next process."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._connection.close()

    def _drop_surplus(self) -> None:
        count = self._connection.execute("SELECT count(*) FROM reports").fetchone()[0]
        if count > self._capacity:
            surplus = count - self._capacity
            self._connection.execute(f"DELETE FROM reports WHERE position IN ({_OLDEST})", (surplus,))  # noqa: S608
            _log.error("reports_dropped", count=surplus, capacity=self._capacity)

    def _deliver(self) -> None:
        failures = 0
        while not self._closing.is_set():
            batch = self._batch()
            if not batch:
                self._wait_for_reports()
                continue
            failures = 0 if self._try_send(batch) else failures + 1
            if failures:
                self._closing.wait(self._back_off_seconds(failures))

    def _batch(self) -> tuple[_Stored, ...]:
        oldest = "SELECT position, kind, body FROM reports ORDER BY position LIMIT ?"
        with self._lock, closing(self._connection.cursor()) as cursor:
            rows = cursor.execute(oldest, (agent_v1.LARGEST_BATCH,)).fetchall()
        return tuple(stored for row in rows if (stored := self._read(*row)) is not None)

    def _read(self, position: int, kind: str, body: bytes) -> _Stored | None:
        """Return a stored report; one that cannot be read is dropped, as it would stop all others."""
        try:
            return _Stored(position=position, kind=kind, report=agent_v1.parse_json(agent_v1.REPORT, body))
        except errors.InvalidRequestError as exc:
            _log.error("report_unreadable", position=position, kind=kind, error=str(exc))
            self._forget((position,))
            return None

    def _wait_for_reports(self) -> None:
        self._wake.clear()
        self._note_empty()
        # Asked after the clear, which may have undone close()'s wake.
        if self._empty.is_set() and not self._closing.is_set():
            self._wake.wait()

    def _note_empty(self) -> None:
        with self._lock:
            if self._connection.execute("SELECT count(*) FROM reports").fetchone()[0] == 0:
                self._empty.set()

    def _try_send(self, batch: tuple[_Stored, ...]) -> bool:
        """Send a batch; one that is refused for good is sent one by one, to lose nothing but the refused report."""
        try:
            self._send([stored.report for stored in batch])
        except _REFUSED_FOR_GOOD as exc:
            return self._give_up(batch, exc)
        except errors.MgmtAnsibleError as exc:
            _log.warning("reports_delayed", count=len(batch), code=exc.code, error=str(exc))
            return False
        self._forget([stored.position for stored in batch])
        return True

    def _give_up(self, batch: tuple[_Stored, ...], exc: errors.MgmtAnsibleError) -> bool:
        if len(batch) > 1:
            return all(self._try_send((one,)) for one in batch)
        stored = batch[0]
        _log.error("report_refused", report_id=stored.report.id, kind=stored.kind, code=exc.code, error=str(exc))
        if isinstance(stored.report, ResultReport) and stored.kind != _SUBSTITUTE:
            return self._try_send((self._replace(stored.position, _substitute(stored.report, exc)),))
        self._forget((stored.position,))
        return True

    def _replace(self, position: int, report: ResultReport) -> _Stored:
        row = (report.id, _SUBSTITUTE, agent_v1.to_json(agent_v1.REPORT, report), position)
        with self._lock, self._connection:
            self._connection.execute("UPDATE reports SET id = ?, kind = ?, body = ? WHERE position = ?", row)
        return _Stored(position=position, kind=_SUBSTITUTE, report=report)

    def _forget(self, positions: Sequence[int]) -> None:
        with self._lock, self._connection:
            self._connection.executemany("DELETE FROM reports WHERE position = ?", [(one,) for one in positions])

    def _back_off_seconds(self, failures: int) -> float:
        longest: float = min(_LONGEST_BACK_OFF_SECONDS, self._first_back_off * 2.0 ** min(failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def _substitute(refused: ResultReport, exc: errors.MgmtAnsibleError) -> ResultReport:
    """Return the least that ends the action of a refused result: without one it would be offered again for ever."""
    return ResultReport(
        id=make_id(),
        action_id=refused.action_id,
        attempt=refused.attempt,
        status=ActionStatus.UNKNOWN,
        outcome=Outcome.UNKNOWN,
        cause=Cause.UNKNOWN,
        health=Health.UNKNOWN if refused.health is not None else None,
        message=redact(f"the agent's result was refused: {exc}", limit=_MESSAGE_LIMIT),
        finished_at=refused.finished_at,
    )


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_SCHEMA)
        connection.commit()
    except (OSError, sqlite3.Error) as exc:
        raise errors.StoreError(f"{path}: the report spool cannot be opened: {exc}") from exc
    return connection


_conforms: type[ReportSpool] = SqliteReportSpool
