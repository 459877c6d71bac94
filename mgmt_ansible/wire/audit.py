"""`/api/v2`: the audit, and its export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated

from pydantic import AwareDatetime, Field

from mgmt_ansible.domain.audit import AuditEntry as Entry
from mgmt_ansible.wire.basics import WireModel

_TOGETHER = 100
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class AuditEntry(WireModel):
    """One change, or one refused sign-in; `docs/reference/audit.md` says how the hash is made."""

    sequence: int = Field(ge=0)
    at: AwareDatetime
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
    previous_hash: _Hash
    hash: _Hash

    def to_domain(self) -> Entry:
        """Return the entry as the chain's rules see it."""
        return Entry(**self.model_dump())


class AuditPage(WireModel):
    """Entries, newest first; `totalCount` is of the whole chain, `older` what to give as `before` for the next ones."""

    count: int
    total_count: int
    data: list[AuditEntry]
    older: int | None


class AuditVerification(WireModel):
    """Whether the chain is as it was written: `brokenAt` is the sequence of the first entry that is not."""

    whole: bool
    entries: int
    head_sequence: int
    head_hash: str
    broken_at: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilters:
    """What is looked for; None asks nothing."""

    actor: str | None = None
    action: str | None = None
    outcome: str | None = None
    target_kind: str | None = None
    target_id: str | None = None
    environment_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def entry_to_wire(entry: Entry) -> AuditEntry:
    """Return an entry as the API says it."""
    return AuditEntry.model_construct(**asdict(entry))


def written(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield an export, an entry a line, as JSON; a hundred lines at a time, as each piece is a trip to a thread."""
    waiting = iter(entries)
    while some := list(islice(waiting, _TOGETHER)):
        yield "".join(f"{entry_to_wire(entry).model_dump_json(by_alias=True)}\n" for entry in some)
