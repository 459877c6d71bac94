"""A few rounds of `scripts/crashes`: what the control plane acknowledged outlives its kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgmt_ansible.control_plane.store import Store
from tests.crashes import ledger, rounds


@pytest.fixture(scope="module")
def tally(tmp_path_factory: pytest.TempPathFactory) -> rounds.Tally:
    return rounds.crash(tmp_path_factory.mktemp("crashes"), rounds=3, seed=1)


def test_nothing_that_was_acknowledged_is_lost(tally: rounds.Tally):
    """Three kills while five clients write."""
    assert ([], []) == (tally.lost, tally.damaged)
    assert 3 == tally.rounds
    assert tally.acknowledged > 20


def test_a_loss_would_be_told(tmp_path: Path):
    """The ledger is not blind."""
    store = Store(f"sqlite:///{tmp_path}/control-plane.sqlite3")
    store.prepare()
    store.close()
    book = ledger.Ledger()
    for kind in ledger.QUERIES:
        book.note(kind, "gone")

    assert sorted(f"{kind} gone" for kind in ledger.QUERIES) == sorted(book.lost(tmp_path))
