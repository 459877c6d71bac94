"""Slugs of hosts have words for people."""

from __future__ import annotations

import re
from pathlib import Path

from mgmt_ansible.domain import host_words
from mgmt_ansible.domain.drift import Drift

ROOT = Path(__file__).parents[3]
HOST_SIDE = "\n".join(path.read_text() for path in (ROOT / "playbooks/module_utils/mgmt_host").rglob("*.py"))


def test_every_note_of_the_host_side_has_words():
    """A slug that nobody put into words would stand on the pages as it is."""
    written = set(re.findall(r"""\.note\("(\w+)"\)""", HOST_SIDE))
    assert {"port_chosen", "drain_cut"} <= written
    assert set() == written - set(host_words.NOTES)


def test_every_drift_says_what_it_means():
    """The set is closed."""
    assert set(Drift) == set(host_words.DRIFTS)
    assert "missing: nothing runs although it should" == host_words.drift_words("missing")


def test_what_a_newer_host_side_says_stays_readable():
    """Unknown slugs are their own words."""
    assert ("brand new", "Brand new") == (host_words.note_words("brand_new"), host_words.evidence_words("brand_new"))
