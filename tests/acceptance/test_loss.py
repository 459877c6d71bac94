"""A short round of `scripts/loss`; the whole is too long for every change."""

from __future__ import annotations

import pytest
from mgmt_host.switching import haproxy

from tests.acceptance.command_line import ROOT, play

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.skipif(haproxy.find_program() is None, reason="HAProxy is not on this machine"),
]


def test_no_request_is_lost_behind_a_proxy(monkeypatch):
    """A blocking server and an asynchronous one are replaced once each, under load, beside another deployment's work."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT}/playbooks/module_utils")
    said = play("tests.loss", "--replacements", "2", "--clients", "20", "--traffic", "haproxy")

    assert "loss: haproxy 0 failed of " in said
