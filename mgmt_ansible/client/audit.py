"""The audit, through `/api/v2`: who changed what, and whether the chain of entries is whole."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Query, Transport, parse_answer
from mgmt_ansible.wire.audit import AuditEntry, AuditFilters, AuditPage, AuditVerification

_LONGEST_ANSWER_SECONDS = 300.0
"""A long chain is read through before the answer's first byte comes."""
_PAGE = 200


class Audit:
    """Verbs on the audit."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_entries(self, filters: AuditFilters | None = None) -> Iterator[AuditEntry]:
        """Yield entries, newest first, page after page."""
        before: int | None = None
        while True:
            query = {**_query(filters or AuditFilters()), "before": before, "limit": _PAGE}
            page = self._transport.get(AuditPage, "auditEntries/", query=query)
            yield from page.data
            if page.older is None:
                return
            before = page.older

    def export(self) -> Iterator[bytes]:
        """Yield the whole chain, oldest first, as JSON lines."""
        with self._transport.open("GET", "auditEntries/export/") as response:
            yield from response.iter_content(64 * 1024)

    def verify(self, *, head: str | None = None, sequence: int = 0) -> AuditVerification:
        """Let the control plane look at the whole chain.

        Args:
            head: A hash that was kept elsewhere, which must be in the chain.
            sequence: Of the entry with that hash; 0 when it is not known.
        """
        query: Query = {"head": head, "sequence": sequence or None}
        answer = self._transport.read(
            "GET", "auditEntries/verification/", query=query, read_timeout_seconds=_LONGEST_ANSWER_SECONDS
        )
        return parse_answer(AuditVerification, answer)


def _query(filters: AuditFilters) -> dict[str, str | int | None]:
    return {
        "actor": filters.actor,
        "action": filters.action,
        "outcome": filters.outcome,
        "targetKind": filters.target_kind,
        "targetId": filters.target_id,
        "predictionEnvironmentId": filters.environment_id,
        "since": filters.since.isoformat() if filters.since else None,
        "until": filters.until.isoformat() if filters.until else None,
    }
