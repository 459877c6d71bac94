"""The audit's chain: appended in the transaction of the change, never changed, never removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mgmt_ansible.control_plane.current_request import CurrentRequest, current_request
from mgmt_ansible.control_plane.store.access_tables import AUDIT_ENTRIES, AUDIT_HEAD
from mgmt_ansible.domain.audit import AuditEntry, AuditHead, digest_of
from mgmt_ansible.domain.redaction import redact

OURSELVES = "control plane"
DONE = "done"
REFUSED = "refused"

_SUMMARY_CHARACTERS = 1_000
_FIELD_CHARACTERS = 200
_TOGETHER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSubject:
    """What an entry is about; empty fields are the request's."""

    target_kind: str = ""
    target_id: str = ""
    environment_id: str = ""
    summary: str = ""
    action: str = ""


class AuditRows:
    """The chain in one transaction."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._noted = False
        self._subject: AuditSubject | None = None

    def about(
        self,
        target_kind: str,
        target_id: str,
        *,
        environment_id: str | None = None,
        summary: str = "",
        action: str = "",
    ) -> None:
        """Say what this transaction changes, for its entry; what is said last counts.

        Args:
            target_kind: Of what is changed.
            target_id: Its id.
            environment_id: Where it is.
            summary: A sentence without secrets.
            action: What the entry says outside of a person's request; without it there is none then.
        """
        self._subject = AuditSubject(
            target_kind=target_kind,
            target_id=target_id,
            environment_id=environment_id or "",
            summary=summary,
            action=action,
        )

    def hint(self, target_kind: str, target_id: str, *, environment_id: str, summary: str) -> None:
        """Say the same unless something was said; an entry of the feed does."""
        if self._subject is None:
            self.about(target_kind, target_id, environment_id=environment_id, summary=summary)

    def note(
        self,
        subject: AuditSubject,
        *,
        outcome: str = DONE,
        actor: str = "",
        role: str = "",
        address: str = "",
    ) -> None:
        """Append an entry; what is not given is the request's at hand, and outside of one the control plane's."""
        request = current_request() or CurrentRequest(actor=OURSELVES, role="", action="")
        last = self.head()
        entry = AuditEntry(
            sequence=last.sequence + 1,
            at=self._now,
            actor=_cut(actor or request.actor),
            role=role or request.role,
            action=_cut(subject.action or request.action),
            outcome=outcome,
            target_kind=subject.target_kind or request.target_kind,
            target_id=_cut(subject.target_id or request.target_id),
            environment_id=subject.environment_id,
            summary=redact(subject.summary, limit=_SUMMARY_CHARACTERS),
            address=_cut(address or request.address),
            request_id=request.request_id,
            previous_hash=last.hash,
        )
        self._append(replace(entry, hash=digest_of(entry)))
        self._noted = True

    def finish(self) -> bool:
        """Append what is due before the commit; tell whether the request at hand has its entry now."""
        request = current_request()
        if self._noted:
            return True
        if request is None:
            if self._subject is not None and self._subject.action:
                self.note(self._subject)
        elif not request.noted:
            self.note(replace(self._subject or AuditSubject(), action=request.action))
        return self._noted

    def head(self) -> AuditHead:
        """Return where the chain ends."""
        row = self._connection.execute(sa.select(AUDIT_HEAD.c.sequence, AUDIT_HEAD.c.hash)).one_or_none()
        return AuditHead() if row is None else AuditHead(sequence=row.sequence, hash=row.hash)

    def following(self, after: int) -> tuple[AuditEntry, ...]:
        """Return the next 500 entries after a sequence."""
        query = AUDIT_ENTRIES.select().where(AUDIT_ENTRIES.c.sequence > after)
        rows = self._connection.execute(query.order_by(AUDIT_ENTRIES.c.sequence).limit(_TOGETHER))
        return tuple(_entry(row) for row in rows)

    def list(
        self,
        wanted: Mapping[str, str],
        *,
        since: datetime | None,
        until: datetime | None,
        before: int | None,
        limit: int,
    ) -> tuple[AuditEntry, ...]:
        """Return entries, newest first.

        Args:
            wanted: Column -> value that it must have.
            since: Counts itself.
            until: Does not.
            before: A sequence, exclusive.
            limit: At most this many.
        """
        query = AUDIT_ENTRIES.select().where(*self._conditions(wanted, since, until, before))
        rows = self._connection.execute(query.order_by(AUDIT_ENTRIES.c.sequence.desc()).limit(limit))
        return tuple(_entry(row) for row in rows)

    def _conditions(
        self, wanted: Mapping[str, str], since: datetime | None, until: datetime | None, before: int | None
    ) -> Iterator[sa.ColumnElement[bool]]:
        columns = AUDIT_ENTRIES.c
        for name, value in wanted.items():
            yield columns[name] == value
        if since is not None:
            yield columns.at >= since
        if until is not None:
            yield columns.at < until
        if before is not None:
            yield columns.sequence < before

    def _append(self, entry: AuditEntry) -> None:
        self._connection.execute(AUDIT_ENTRIES.insert().values(**asdict(entry)))
        head = {"sequence": entry.sequence, "hash": entry.hash}
        if not self._connection.execute(AUDIT_HEAD.update().values(**head)).rowcount:
            self._connection.execute(AUDIT_HEAD.insert().values(id=1, **head))


def _cut(text: str) -> str:
    return redact(text, limit=_FIELD_CHARACTERS)


def _entry(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(**row._mapping)
