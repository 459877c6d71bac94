"""A few random requests of every operation; `scripts/fuzz-api` asks many more."""

from __future__ import annotations

from mgmt_ansible.control_plane.api import create_app
from tests.contract.store.sites import Site
from tests.fuzz.fuzzing import fuzz, known_ids


def test_random_requests_meet_no_server_error_and_no_undeclared_answer(site: Site):
    """Two of each operation, the same in every run."""
    site.ready()
    token = site.services.access.create_token(name="fuzz", kind="user", role="admin").token or ""

    findings = fuzz(create_app(site.services, writes_per_second=0), token, examples=2, known=known_ids(site))

    assert ({}, {}) == (findings.server_errors, findings.violations)
    assert len(findings.requests) > 100
