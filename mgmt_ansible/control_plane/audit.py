"""The audit as administrators see it: a list, an export, and whether the chain is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.buckets import Buckets
from mgmt_ansible.control_plane.current_request import CurrentRequest, serving
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.audit import REFUSED, AuditSubject
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain import audit
from mgmt_ansible.domain.audit import AuditEntry, AuditHead
from mgmt_ansible.wire import audit as shapes

_log = structlog.get_logger(__name__)

_COLUMNS = ("actor", "action", "outcome", "target_kind", "target_id", "environment_id")


REFUSAL_SECONDS = 60.0
"""Of one person and route at most one refusal is told in this time; those between are counted."""
_MOST_COUNTS = 10_000


class Audit:
    """Reads the audit, and tells it of refusals.

    Args:
        store: Where it is.
        wakeups: Tell when the control plane ends.
        monotonic: Tells seconds that never go back.
    """

    def __init__(self, store: Store, wakeups: Wakeups, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._wakeups = wakeups
        self._refusals = Buckets(1 / REFUSAL_SECONDS, most=1, monotonic=monotonic)
        self._untold: dict[str, int] = {}

    def refused(self, request: CurrentRequest, reason: str) -> None:
        """Tell that somebody's request to change something was refused, unless the same was told just now.

        So a flood of them does not fill the audit: the next entry says how many there were. When the database cannot be
        written, the log alone tells.
        """
        key = f"{request.actor}\0{request.action}"
        if self._refusals.take(key):
            if key in self._untold or len(self._untold) < _MOST_COUNTS:
                self._untold[key] = self._untold.get(key, 0) + 1
            return
        more = self._untold.pop(key, 0)
        summary = reason + (f"; {more} more like it since the entry before" if more else "")
        try:
            with serving(request), self._store.write() as tx:
                tx.audit.note(AuditSubject(summary=summary), outcome=REFUSED)
        except errors.StoreError as error:
            _log.warning("refusal_not_audited", actor=request.actor, action=request.action, message=str(error))

    def list_entries(
        self, filters: shapes.AuditFilters, *, before: int | None = None, limit: int = 50
    ) -> shapes.AuditPage:
        """Return entries, newest first; `before` is a sequence, exclusive."""
        wanted = {name: value for name in _COLUMNS if (value := getattr(filters, name))}
        with self._store.read() as tx:
            found = tx.audit.list(wanted, since=filters.since, until=filters.until, before=before, limit=limit + 1)
            head = tx.audit.head()
        shown = found[:limit]
        return shapes.AuditPage(
            count=len(shown),
            total_count=head.sequence,
            data=[shapes.entry_to_wire(entry) for entry in shown],
            older=shown[-1].sequence if len(found) > limit else None,
        )

    def entries(self) -> Iterator[AuditEntry]:
        """Yield every entry that is there now, oldest first; no transaction is open between two batches.

        Breaks off by StoreUnavailableError when the control plane shuts down, whose end would wait for it.
        """
        last, end = 0, self.head().sequence
        while last < end:
            self._refuse_when_stopping()
            with self._store.read() as tx:
                batch = tx.audit.following(last)
            if not batch:
                return
            yield from (entry for entry in batch if entry.sequence <= end)
            last = batch[-1].sequence

    def head(self) -> AuditHead:
        """Return where the chain ends."""
        with self._store.read() as tx:
            return tx.audit.head()

    def tell_head(self) -> None:
        """Log where the chain ends: a log that is kept elsewhere shows later whether it was written anew."""
        head = self.head()
        _log.info("audit_head", sequence=head.sequence, hash=head.hash)

    def verify(self, *, kept: AuditHead | None = None) -> shapes.AuditVerification:
        """Look for the first entry that is not as it was written; reads all of them.

        Args:
            kept: A head that was kept elsewhere; sequence 0 when only its hash is known.

        Raises:
            StoreUnavailableError: The control plane shuts down.
        """
        head, verdict = self._looked_at(kept)
        return shapes.AuditVerification(
            whole=verdict.broken_at is None,
            entries=verdict.entries,
            head_sequence=head.sequence,
            head_hash=head.hash,
            broken_at=verdict.broken_at,
            reason=verdict.reason,
        )

    def _looked_at(self, kept: AuditHead | None) -> tuple[AuditHead, audit.AuditVerdict]:
        """Look at all that was there at one moment: what is appended meanwhile is left for the next look."""
        with self._store.read() as tx:
            head = tx.audit.head()

            def all_entries() -> Iterator[AuditEntry]:
                last = -1
                while batch := tx.audit.following(last):
                    self._refuse_when_stopping()
                    yield from batch
                    last = batch[-1].sequence

            verdict = audit.verify(all_entries(), head=head, kept=() if kept is None else (kept,))
        return head, verdict

    def _refuse_when_stopping(self) -> None:
        if self._wakeups.stopping:
            raise errors.StoreUnavailableError("the control plane shuts down: ask again when it is back")
