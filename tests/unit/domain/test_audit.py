"""The audit's chain: what is not as it was written is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mgmt_ansible.domain.audit import GENESIS, AuditEntry, AuditHead, digest_of, verify

Entries = list[AuditEntry]


def chain(length: int = 5, actor: str = "ann") -> Entries:
    entries: Entries = []
    for number in range(1, length + 1):
        entry = AuditEntry(
            sequence=number,
            at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number),
            actor=actor,
            role="admin",
            action="POST users/",
            outcome="done",
            target_kind="user",
            target_id=f"u{number}",
            environment_id="",
            summary="",
            address="",
            request_id="",
            previous_hash=entries[-1].hash if entries else GENESIS,
        )
        entries.append(replace(entry, hash=digest_of(entry)))
    return entries


def head_of(entries: Entries) -> AuditHead:
    return AuditHead(sequence=entries[-1].sequence, hash=entries[-1].hash)


def test_a_chain_as_it_was_written_is_whole():
    """Also an empty one."""
    found = verify(chain(), head=head_of(chain()), kept=[head_of(chain(3)), AuditHead(hash=chain()[1].hash)])

    assert (None, "", 5, head_of(chain())) == (found.broken_at, found.reason, found.entries, found.head)
    assert verify([], head=AuditHead()).broken_at is None


def test_a_hash_does_not_depend_on_the_zone_of_its_time():
    """Databases give times back in theirs."""
    entry = chain(1)[0]

    assert entry.hash == digest_of(replace(entry, at=entry.at.astimezone(timezone(timedelta(hours=5)))))


def swapped(entries: Entries) -> Entries:
    second, third = entries[1], entries[2]
    return [entries[0], replace(third, sequence=2), replace(second, sequence=3), *entries[3:]]


@pytest.mark.parametrize(
    ("edit", "broken_at", "reason"),
    [
        (lambda entries: [*entries[:2], replace(entries[2], actor="eve"), *entries[3:]], 3, "edited"),
        (lambda entries: [*entries[:2], *entries[3:]], 3, "removed"),
        (lambda entries: entries[1:], 1, "removed"),
        (lambda entries: [entries[0], entries[2], entries[1], *entries[3:]], 2, "removed"),
        (swapped, 2, "edited"),
        (lambda entries: [*entries[:3], entries[2], *entries[3:]], 4, "moved or added"),
        (lambda entries: [*entries[:2], *chain(5, "eve")[2:]], 3, "does not follow"),
        (lambda entries: entries[:4], 5, "cut off"),
        (lambda entries: [*entries, replace(chain(6)[5], previous_hash=entries[-1].hash)], 7, "head"),
        (lambda _: [], 1, "cut off"),
    ],
)
def test_the_first_entry_that_is_not_as_it_was_is_named(
    edit: Callable[[Entries], Entries], broken_at: int, reason: str
):
    """Edited, removed, moved, added, exchanged, cut off."""
    found = verify(edit(chain()), head=head_of(chain()))

    assert broken_at == found.broken_at
    assert reason in found.reason


@pytest.mark.parametrize("kept", [head_of(chain(3)), AuditHead(hash=chain(3)[2].hash), head_of(chain(9))])
def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept(kept: AuditHead):
    """Whoever can write everything cannot write what lies elsewhere."""
    forged = chain(5, "eve")

    assert verify(forged, head=head_of(forged)).broken_at is None
    assert verify(forged, head=head_of(forged), kept=[kept]).broken_at is not None
