"""The audit: who changed what, each entry chained to the one before by its hash, so that no later edit goes unnoticed.

An entry's hash is the SHA-256 of its canonical JSON (keys sorted, no blanks, ASCII, times in UTC with microseconds), the
previous entry's hash included; the first follows `GENESIS`. Sequences count from 1 without a gap. The head, number and hash of
the newest entry, is kept apart: without it nobody could see that the newest entries were cut off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime

GENESIS = "0" * 64
"""What the first entry follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change, or one refused sign-in.

    Attributes:
        sequence: From 1, without a gap.
        at: Aware UTC time of the transaction that made the change.
        actor: Who: a user, `user/token`, a service's token, or `control plane`.
        role: The actor's at that time; empty for the control plane.
        action: What was asked, for example `PATCH deployments/{deployment_id}/model/` or `sign_in`.
        outcome: `done` or `refused`.
        target_kind: Of what was changed; empty when it is not one thing.
        target_id: Its id.
        environment_id: Where it is; empty when it is nowhere in particular.
        summary: A sentence without secrets.
        address: From where the request came.
        request_id: As in the log and in the answer's `X-Request-Id`.
        previous_hash: Of the entry before.
        hash: Of this one.
    """

    sequence: int
    at: datetime
    actor: str
    role: str
    action: str
    outcome: str
    target_kind: str
    target_id: str
    environment_id: str
    summary: str
    address: str
    request_id: str
    previous_hash: str
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """Where the chain ends: number and hash of the newest entry; 0 and `GENESIS` when there is none."""

    sequence: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What a look at the whole chain says.

    Attributes:
        entries: How many were looked at.
        head: Of what was looked at, up to where it is whole.
        broken_at: Sequence of the first entry that is not as it was written; None when all are.
        reason: What is wrong there, in a sentence; empty when nothing is.
    """

    entries: int
    head: AuditHead
    broken_at: int | None = None
    reason: str = ""


def digest_of(entry: AuditEntry) -> str:
    """Return the hash that an entry has to have."""
    values = {field.name: getattr(entry, field.name) for field in fields(AuditEntry) if field.name != "hash"}
    values["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def verify(
    entries: Iterable[AuditEntry], *, head: AuditHead | None = None, kept: Iterable[AuditHead] = ()
) -> AuditVerdict:
    """Look for the first entry that is not as it was written.

    Args:
        entries: All of them, by sequence.
        head: Where the chain ends, as it is kept beside it.
        kept: Heads of former times, kept elsewhere; one with sequence 0 may be anywhere in the chain.
    """
    kept_hashes = {one.sequence: one.hash for one in kept}
    last, count = AuditHead(), 0
    for entry in entries:
        count += 1
        reason = _reason(entry, last, kept_hashes.pop(entry.sequence, None))
        if reason:
            return AuditVerdict(entries=count, head=last, broken_at=last.sequence + 1, reason=reason)
        last = AuditHead(sequence=entry.sequence, hash=entry.hash)
        if kept_hashes.get(0) == entry.hash:
            del kept_hashes[0]
    reason = _missing(last, head, kept_hashes)
    return AuditVerdict(entries=count, head=last, broken_at=last.sequence + 1 if reason else None, reason=reason)


def _reason(entry: AuditEntry, last: AuditHead, kept_hash: str | None) -> str:
    expected = last.sequence + 1
    if entry.sequence > expected:
        return f"entry {expected} was removed: entry {entry.sequence} comes next"
    if entry.sequence < expected:
        return f"entry {entry.sequence} stands where entry {expected} should: entries were moved or added"
    if entry.hash != digest_of(entry):
        return f"entry {expected} was edited: its hash is not that of its content"
    if entry.previous_hash != last.hash:
        return f"entry {expected} does not follow the one before it: one of both was exchanged or added"
    if kept_hash is not None and entry.hash != kept_hash:
        return f"entry {expected} is another than the one whose hash was kept: the chain was written anew"
    return ""


def _missing(last: AuditHead, head: AuditHead | None, kept_hashes: dict[int, str]) -> str:
    """Return what is wrong after the last entry."""
    if head is not None and head.sequence > last.sequence:
        return (
            f"the newest entries were cut off: the head is entry {head.sequence}, and the last one is {last.sequence}"
        )
    if head is not None and head != last:
        return f"entry {last.sequence} is not the head that is kept beside the chain: entries were added, or the head edited"
    if 0 in kept_hashes:
        return "no entry has the hash that was kept: the newest entries were cut off, or the chain was written anew"
    if kept_hashes:
        return f"entry {min(kept_hashes)}, whose hash was kept, is not there: the newest entries were cut off"
    return ""
