"""Back to the release before, with a look first, and healing what failed: a file of its own, as its deployment must serve."""

from __future__ import annotations

import os
import signal

import pytest

from mgmt_ansible.quickstart.loopback import find_sshd
from tests.acceptance.command_line import UP_READY, read_json, run

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_sshd() is None, reason="sshd (openssh-server) is not installed"),
]


def test_what_was_replaced_comes_back_and_what_failed_is_relaunched(data, up):
    """One host after the other way round: look first, go back, and heal."""
    up().wait_for(UP_READY)
    at = ("--data", data)
    packages = read_json(*at, "package", "list")
    first = read_json(*at, "deployment", "list")[0]
    name = first["id"]
    other = next(one for one in packages if one["digest"] != first["modelPackage"]["digest"])
    assert 0 == run(*at, "deployment", "replace", name, "--package", other["id"], "--wait").returncode
    next_generation = read_json(*at, "deployment", "show", name)["generation"] + 1

    dry = run(*at, "deployment", "rollback", name, "--dry-run")
    assert 0 == dry.returncode, dry.stdout + dry.stderr
    assert "dry run: 1 of 1 hosts would change" in dry.stdout
    assert f"+ generation {next_generation}, package {first['modelPackage']['digest'][:12]}" in dry.stdout
    assert other["digest"] == read_json(*at, "deployment", "hosts", name)[0]["digest"]

    back = run(*at, "deployment", "rollback", name, "--wait")
    assert 0 == back.returncode, back.stdout + back.stderr
    shown = read_json(*at, "deployment", "hosts", name)[0]
    assert (first["modelPackage"]["digest"], next_generation) == (shown["digest"], shown["generation"])
    assert shown["inStep"]

    assert 4 == run(*at, "deployment", "relaunch", name, "--failed-only").returncode
    served = read_json(*at, "deployment", "show", name)
    run(*at, "deployment", "stop", name, "--dry-run")
    os.kill(served["endpoints"][0]["pid"], signal.SIGSTOP)
    try:
        assert 1 == run(*at, "deployment", "status", name, "--wait").returncode
        healed = run(*at, "deployment", "relaunch", name, "--failed-only", "--wait")
    finally:
        os.kill(served["endpoints"][0]["pid"], signal.SIGCONT) if _lives(served["endpoints"][0]["pid"]) else None
    assert 0 == healed.returncode, healed.stdout + healed.stderr
    assert "passing" == read_json(*at, "deployment", "show", name)["serviceHealth"]["status"]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
