"""Loss receipts in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mgmt_ansible.domain.receipts import ProbedPhase, Receipt, lost_in_all

NOTHING = ProbedPhase(probes=0)
FINE = Receipt(
    interval_seconds=0.05,
    probes=167,
    failed=0,
    longest_gap_seconds=0.0,
    before=ProbedPhase(probes=142, p50_seconds=0.0023, p99_seconds=0.0134),
    during=NOTHING,
    after=ProbedPhase(probes=20, p50_seconds=0.0014, p99_seconds=0.25),
)
LOST = replace(FINE, probes=270, failed=52, longest_gap_seconds=2.604)
LATE = replace(FINE, slow=1, slowest_seconds=3.06)


def test_a_receipt_tells_what_was_lost_and_how_fast_the_others_were():
    """Phases without an answer are left out."""
    assert "0 of 167 probes failed" == FINE.sentence
    assert "52 of 270 probes failed, at most 2.60 s without an answer" == LOST.sentence
    assert "answers p50 / p99: before 2 ms / 13 ms, after 1 ms / 0.25 s" == FINE.speeds
    assert "" == replace(FINE, before=NOTHING, after=NOTHING).speeds


@pytest.mark.parametrize(
    ("receipts", "words"),
    [
        ({}, ""),
        ({"web1": LOST}, "52 of 270 probes failed, at most 2.60 s without an answer"),
        ({"web1": LATE}, "0 of 167 probes failed, 1 was answered late (the slowest after 3.06 s)"),
        ({"web1": FINE, "web2": FINE}, "0 of 334 probes failed"),
        ({"web1": FINE, "web2": LOST}, "52 of 437 probes failed, at most 2.60 s without an answer (web2)"),
    ],
)
def test_hosts_are_told_together(receipts, words):
    """Probes add up; the longest gap is the worst host's, who is named."""
    assert words == lost_in_all(receipts)
