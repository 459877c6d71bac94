"""`auditEntries/`: the audit as pages and as a file, and whether its chain is whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.domain.audit import AuditHead
from mgmt_ansible.wire import audit as shapes

_Text = Annotated[str | None, Query(max_length=200)]
_LARGEST_SEQUENCE = 2**62


def _filters(
    *,
    actor: _Text = None,
    action: _Text = None,
    outcome: _Text = None,
    target_kind: Annotated[str | None, Query(alias="targetKind", max_length=200)] = None,
    target_id: Annotated[str | None, Query(alias="targetId", max_length=200)] = None,
    environment_id: Annotated[str | None, Query(alias="predictionEnvironmentId", max_length=200)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> shapes.AuditFilters:
    return shapes.AuditFilters(
        actor=actor,
        action=action,
        outcome=outcome,
        target_kind=target_kind,
        target_id=target_id,
        environment_id=environment_id,
        since=since,
        until=until,
    )


def audit_router(services: Services) -> APIRouter:
    """Return the routes of the audit."""
    router = APIRouter(prefix="/auditEntries", tags=["audit"])
    audit = services.audit

    @router.get("/")
    def list_audit_entries(
        filters: Annotated[shapes.AuditFilters, Depends(_filters)],
        before: Annotated[int | None, Query(ge=0, le=_LARGEST_SEQUENCE)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> shapes.AuditPage:
        """List entries, newest first; `before` is a sequence, exclusive."""
        return audit.list_entries(filters, before=before, limit=limit)

    @router.get("/export/", response_class=StreamingResponse)
    def export_audit_entries() -> StreamingResponse:
        """Send the whole chain, oldest first, an entry a line; `X-Audit-Head` is the hash of the last."""
        headers = {
            "Content-Disposition": 'attachment; filename="audit.jsonl"',
            "X-Audit-Head": audit.head().hash,
        }
        return StreamingResponse(shapes.written(audit.entries()), media_type="application/jsonl", headers=headers)

    @router.get("/verification/")
    def verify_audit(
        head: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None,
        sequence: Annotated[int, Query(ge=0, le=_LARGEST_SEQUENCE)] = 0,
    ) -> shapes.AuditVerification:
        """Look at the whole chain; with a `head` that was kept elsewhere (and its `sequence`), also whether that is in it."""
        kept = None if head is None else AuditHead(sequence=sequence, hash=head)
        return audit.verify(kept=kept)

    return router
