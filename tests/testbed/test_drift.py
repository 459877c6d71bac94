"""Drift, evidence and the proof of a stop through all of the agent's side, over hardened units of the real systemd."""

from __future__ import annotations

import json

import pytest

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.drift import Drift
from tests.testbed import model_checks
from tests.testbed.commands import wait_until
from tests.unit.mgmt_host import served_packages

pytestmark = pytest.mark.timeout(900)
LISTEN = "import socket, time; kept = socket.create_server(('127.0.0.1', {port})); time.sleep(3600)"


def test_a_host_of_systemd_tells_what_is_wrong_and_that_nothing_is_left(systemd_host, tmp_path):
    """A refused model brings the journal; looks tell drift apart; a stop proves itself."""
    systemd_host.dirty = True
    managed = model_checks.HostUnderManagement(systemd_host, become=True)
    good = served_packages.command_package(tmp_path / "good", 2.0)[0]
    launched = managed.act(ActionType.DEPLOYMENT_LAUNCH, 1, good)
    assert launched.outcome == "changed", (launched.message, launched.evidence)
    port = launched.identity.port
    refused = managed.act(ActionType.DEPLOYMENT_REPLACE_MODEL, 2, package_of_another_model(tmp_path / "wrong"))
    root(systemd_host, f"echo >> /var/lib/mgmt-ansible/packages/{launched.identity.digest}/server.py")
    edited = drift(managed, good)
    root(systemd_host, "systemctl stop 'mgmt-ansible-*'")
    ended = drift(managed, good)
    root(systemd_host, f'systemd-run --unit=stranger python3 -c "{LISTEN.format(port=port)}"')
    wait_until(lambda: root(systemd_host, f"ss -ltnH sport = :{port}"), "the stranger")
    taken = drift(managed, good)
    root(systemd_host, "systemctl stop stranger")
    stopped = managed.act(ActionType.DEPLOYMENT_STOP, 3)

    assert ("failed", "bad_prediction", True) == (refused.outcome, refused.cause, refused.old_model_in_use), refused
    assert (1, 1, 1) == (refused.golden.examples, refused.golden.failed, refused.golden.old_model.compared)
    assert {"golden", "df", "ss", "log_tail"} <= {one.kind for one in refused.evidence}
    assert [Drift.TAMPERED_FILE, Drift.MISSING, Drift.FOREIGN_PROCESS] == [edited, ended, taken]
    assert f"nothing was running: nothing listens on port {port}" in stopped.message, stopped
    assert stopped.message.endswith("no process is left")


def package_of_another_model(folder):
    """Return an archive whose model multiplies by three, and whose example is of one that doubles."""
    example = {"request": served_packages.ROWS, "answer": served_packages.times(2.0)}
    manifest = {**served_packages.command_manifest(3.0, smoke=None), "golden": {}}
    files = {"server.py": served_packages.ECHO, "golden.jsonl": (json.dumps(example) + "\n").encode()}
    return served_packages.pack(folder, manifest, files)[0]


def drift(managed, package):
    """Return what a status finds."""
    return managed.act(ActionType.DEPLOYMENT_STATUS, 1, package).drift


def root(host, command):
    """Run a command as root; return what it prints."""
    return host.ssh(command, user="root").stdout
