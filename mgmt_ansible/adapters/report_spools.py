"""Reports on their way: an fsynced SQLite file, sent in the background, in order, each once.

```
 put -> fsync -> [spool] -> batch of at most 100 -> 2xx -> deleted
                    ^            |-- not answered: back off with jitter, 1 s to 60 s, the same batch again
                    |            |-- refused for good: one by one; the refused one is dropped, a result is replaced once
                    |            '-- the disk refuses: back off; what was sent may be sent again
                    '-- the receiver knows each report by its id, so a batch whose answer was lost does no harm
```
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from mgmt_ansible import errors
from mgmt_ansible.adapters.spool_files import Limits, SpoolFile, Stored
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
_BATCH_BYTES = 4_000_000
"""Of the reports in one request, but for a single larger one; the control plane takes 16,000,000."""

_SUBSTITUTE = "substitute"
"""The kind, in the spool only, of a result that stands for one that was refused: it is not replaced again."""

_REFUSED_FOR_GOOD = (
    errors.InvalidRequestError,
    errors.NotFoundError,
    errors.ConflictError,
    errors.ForbiddenError,  # of an environment that the token may not serve any more; a token that is not known is asked again
)

_log = structlog.get_logger()


class SqliteReportSpool:
    """One spool file; owned by one process, used by all of its threads."""

    def __init__(
        self,
        path: Path,
        send: Callable[[Sequence[Report]], None],
        *,
        limits: Limits | None = None,
        first_back_off_seconds: float = _FIRST_BACK_OFF_SECONDS,
    ) -> None:
        """Open the spool; nothing is sent before `start`.

        Args:
            path: File; made when missing, with what an earlier process left in it; moved aside when damaged.
            send: Delivers a batch; raises ControlPlaneUnavailableError to be asked again.
            limits: How much it holds.
            first_back_off_seconds: Doubled with every failure, up to 60 s.

        Raises:
            StoreError: The file cannot be opened.
        """
        self._send = send
        self._first_back_off = first_back_off_seconds
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._empty = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="report-spool", daemon=True)
        self._file = SpoolFile(path, limits or Limits())
        self._note_empty()

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._thread.start()

    def put(self, report: Report) -> None:
        """Store a report durably; one that is there already is ignored.

        Raises:
            StoreError: The disk refused.
        """
        self._file.add(report)
        self._empty.clear()
        self._wake.set()

    def has_room(self) -> bool:
        """Tell whether the results of new work could be stored."""
        return self._file.has_room()

    def hurry(self) -> None:
        """Deliver now what waits for the control plane's return: it answers."""
        self._hurry.set()
        self._wake.set()

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything is delivered; False when the time was over first."""
        self.hurry()
        return self._empty.wait(timeout_seconds)

    def close(self) -> None:
        """Stop delivering; what is left waits for the next process."""
        self._closing.set()
        self.hurry()
        if self._thread.is_alive():
            self._thread.join()
        self._file.close()

    def _deliver(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                sent = self._deliver_once()
            except errors.StoreError as exc:
                _log.error("report_spool_failed", error=str(exc))
                sent = False
            except Exception:  # noqa: BLE001 - the thread's own edge: without it nothing would ever be delivered again
                _log.exception("report_spool_crashed")
                sent = False
            failures = 0 if sent else failures + 1
            if failures:
                self._back_off(failures)

    def _deliver_once(self) -> bool:
        self._hurry.clear()
        batch = self._file.read_oldest(limit=agent_v1.LARGEST_BATCH, size_bytes=_BATCH_BYTES)
        if batch:
            return self._try_send(batch)
        self._wait_for_reports()
        return True

    def _wait_for_reports(self) -> None:
        self._wake.clear()
        self._note_empty()
        # Asked after the clear, which may have undone close()'s wake.
        if self._empty.is_set() and not self._closing.is_set():
            self._wake.wait()

    def _note_empty(self) -> None:
        if self._file.empty:
            self._empty.set()

    def _back_off(self, failures: int) -> None:
        longest: float = min(_LONGEST_BACK_OFF_SECONDS, self._first_back_off * 2.0 ** min(failures - 1, 10))
        if not self._closing.is_set():
            self._hurry.wait(longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def _try_send(self, batch: tuple[Stored, ...]) -> bool:
        """Send a batch; one that is refused for good is sent one by one, to lose nothing but the refused report."""
        try:
            self._send([stored.report for stored in batch])
        except _REFUSED_FOR_GOOD as exc:
            return self._give_up(batch, exc)
        except errors.MgmtAnsibleError as exc:
            _log.warning("reports_delayed", count=len(batch), code=exc.code, error=str(exc))
            return False
        self._file.forget(batch)
        return True

    def _give_up(self, batch: tuple[Stored, ...], exc: errors.MgmtAnsibleError) -> bool:
        if len(batch) > 1:
            return all(self._try_send((one,)) for one in batch)
        stored = batch[0]
        _log.error("report_refused", report_id=stored.report.id, kind=stored.kind, code=exc.code, error=str(exc))
        if isinstance(stored.report, ResultReport) and stored.kind != _SUBSTITUTE:
            substitute = _substitute(stored.report, exc)
            return self._try_send((self._file.replace(stored, substitute, kind=_SUBSTITUTE),))
        self._file.forget((stored,))
        return True


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


_conforms: type[ReportSpool] = SqliteReportSpool
