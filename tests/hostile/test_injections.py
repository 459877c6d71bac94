"""A sample of the injection matrix; `scripts/injections` runs all of it."""

from __future__ import annotations

import os

import pytest

from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.quickstart.loopback import LoopbackHost, find_sshd
from tests.hostile.injections import Matrix
from tests.hostile.payloads import PAYLOADS, payload

SAMPLE = 3


@pytest.fixture
def matrix(tmp_path):
    if find_sshd() is None:
        pytest.skip("sshd is missing")
    with LoopbackHost(tmp_path / "sshd") as host:
        yield Matrix(tmp_path, host, Installation(bin_dir=None, inherited=os.environ))


@pytest.mark.ssh
def test_no_payload_of_the_sample_runs_in_any_field(matrix):
    """Three payloads of different kinds at a time, each field with another; every run that should arrive does."""
    tally = matrix.run(list(matrix.cases(SAMPLE)))

    assert ([], []) == (tally.canaries, tally.not_reached)
    assert {
        "action_id",
        "deployment.id",
        "deployment.label",
        "deployments.digest",
        "deployments.id",
        "environment.name",
        "package.archive_sha256",
        "package.digest",
        "package.id",
        "package.name",
        "package.runtime",
        "package.version",
        "settings.base_dir",
        "settings.bind_address",
        "settings.pip_arguments",
    } == tally.fields


@pytest.mark.ssh
def test_a_text_that_is_not_marked_creates_its_canary(matrix):
    """The check can fail."""
    case = matrix.control()

    assert ["c/0-0-deployment.label"] == matrix.run([case]).canaries


def test_there_are_enough_payloads_of_every_kind():
    """Three hundred different texts, most with a canary; the first few are of different kinds."""
    assert len(set(PAYLOADS)) >= 300
    assert len([one for one in PAYLOADS if "CANARY" in one]) >= 280
    assert "/tmp/x" in payload(0, "/tmp/x")
    assert payload(0, "/x") == payload(len(PAYLOADS), "/x")
