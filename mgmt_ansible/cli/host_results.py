"""What hosts told of an action, in lines below each host: what matters first, then the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mgmt_ansible.cli import text
from mgmt_ansible.domain.host_words import drift_words, evidence_words, note_words

if TYPE_CHECKING:
    from mgmt_ansible.domain.outcomes import Evidence, HostOutcome

_EVIDENCE_LINES = 12


def facts(host: HostOutcome) -> Iterator[str]:
    """Yield what a host told beside its outcome: which model is in use, drift, golden predictions, loss receipt, notes."""
    if host.old_model_in_use:
        yield "the old model is in use"
    if host.drift is not None:
        yield f"drift: {drift_words(host.drift.value)}"
    if host.golden is not None:
        yield text.clean(host.golden.sentence)
    if host.receipt is not None:
        yield "; ".join(filter(None, (host.receipt.sentence, host.receipt.speeds)))
    for note in host.notes:
        yield text.clean(f"note: {note_words(note)}")


def proofs(host: HostOutcome) -> Iterator[str]:
    """Yield the end of each evidence below what it is; what a dry run would change needs no heading."""
    for evidence in host.evidence:
        if evidence.kind == "diff":
            yield from _lines(evidence)
        else:
            yield text.clean(f"{evidence_words(evidence.kind)}:")
            yield from (f"  {line}" for line in _lines(evidence))


def _lines(evidence: Evidence) -> list[str]:
    return text.clean_lines(evidence.text).splitlines()[-_EVIDENCE_LINES:]
