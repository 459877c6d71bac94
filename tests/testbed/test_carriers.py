"""Model servers as units of the real systemd, through all of the agent's side, and as processes where it cannot be had."""

from __future__ import annotations

import hashlib
import json

import pytest

from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.environments import Traffic
from tests.testbed import model_checks
from tests.testbed.commands import wait_until
from tests.unit.mgmt_host import served_packages, test_needs

pytestmark = pytest.mark.timeout(900)
LAUNCH, STOP = ActionType.DEPLOYMENT_LAUNCH, ActionType.DEPLOYMENT_STOP
REPLACE = ActionType.DEPLOYMENT_REPLACE_MODEL
FETCH = "python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=60).read().decode())'"
UNITS = "list-units --all --plain --no-legend 'mgmt-ansible-*'"
LEFT = "find /etc/systemd/system ~/.config/systemd /run/mgmt-ansible -mindepth 1 2>/dev/null | grep mgmt-ansible"


class Account:
    """What somebody on the host sees of a managed deployment."""

    def __init__(self, host, name, systemctl):
        self.host, self.name, self.systemctl = host, name, systemctl

    def run(self, command, check=True):
        """Run a command as that account."""
        return self.host.ssh(command, user=self.name, check=check).stdout

    def units(self):
        """Return the names of our units."""
        return [line.split()[0] for line in self.run(f"{self.systemctl} {UNITS}").splitlines()]

    def show(self, name):
        """Return a property of the only unit that serves a model."""
        (unit,) = (unit for unit in self.units() if "-proxy-" not in unit)
        return self.run(f"{self.systemctl} show {unit} --value --property {name}").strip()

    def answers(self, port, path):
        """Tell whether the model says that it is well."""
        ask = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}{path}', timeout=60).status)"
        return "200" == self.run(f'python3 -c "{ask}" 2>/dev/null', check=False).strip()

    def predict(self, port):
        """Return what the command's model predicts for the rows of tests."""
        ask = (
            "import sys, urllib.request as u; "
            f"print(u.urlopen('http://127.0.0.1:{port}/predict', sys.stdin.buffer.read(), timeout=60).read().decode())"
        )
        return json.loads(self.host.ssh(f'python3 -c "{ask}"', stdin=json.dumps(served_packages.ROWS)).stdout)


def test_a_system_unit_serves_has_no_rights_and_comes_back(systemd_host):
    """Launched as root by become; killed, rebooted, replaced and stopped."""
    systemd_host.dirty = True
    managed = model_checks.HostUnderManagement(systemd_host, become=True, boot_start=True)
    root = Account(systemd_host, "root", "systemctl")
    launched = managed.act(LAUNCH, 1, "1")
    assert launched.outcome == "changed", launched
    port, pid = launched.identity.port, launched.identity.pid
    status = root.run(f"cat /proc/{pid}/status")
    owner = root.run(f"stat -c %u /proc/{pid}").strip()
    root.run(f"kill -9 {pid}")
    wait_until(lambda: root.show("MainPID") not in ("0", str(pid)), "systemd to start it again")
    wait_until(lambda: root.answers(port, "/v2/health/ready"), "the restarted model")
    systemd_host.reboot()
    wait_until(lambda: root.answers(port, "/v2/health/ready"), "the model after the boot")
    replaced = managed.act(REPLACE, 2, "2")
    assert replaced.outcome == "changed", replaced
    said = managed.probabilities(port)
    stopped = managed.act(STOP, 3)

    assert "no_boot_start" not in launched.notes
    assert "0" != owner
    assert {"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} <= set(status.splitlines())
    assert managed.expected("2") == pytest.approx(said, abs=1e-4)
    assert stopped.outcome == "changed", stopped
    assert ([], "") == (root.units(), root.run(LEFT, check=False))


def test_a_system_unit_is_held_to_its_limits_and_reads_its_secret(systemd_host, tmp_path):
    """The secret is root's alone on the host; a successor that takes more memory than it may is killed, and told as such."""
    systemd_host.dirty = True
    root = Account(systemd_host, "root", "systemctl")
    root.run(f"install -m 600 /dev/null /etc/api-key; printf %s {test_needs.SECRET} >/etc/api-key")
    files = {"API_KEY": "/etc/api-key"}
    managed = model_checks.HostUnderManagement(systemd_host, become=True, secret_files=files)
    limits = {**test_needs.ASKED["resources"], "memory_bytes": 100 << 20, "cpus": 0.5}
    launched = managed.act(LAUNCH, 1, test_needs.package(tmp_path / "p", resources=limits)[0])
    assert launched.outcome == "changed", launched
    told = json.loads(root.run(f"{FETCH} http://127.0.0.1:{launched.identity.port}/"))
    shown = [root.show(name) for name in ("MemoryMax", "CPUQuotaPerSecUSec", "LimitNOFILE")]
    greedy = ["python3", "-c", "x = bytearray(300 << 20)"]
    eats = served_packages.command_package(tmp_path / "q", 2.0, start=greedy, resources={"memory_bytes": 100 << 20})[0]
    killed = managed.act(REPLACE, 2, eats)
    managed.act(STOP, 3)

    assert "limits_not_enforced" not in launched.notes
    assert [str(100 << 20), "500ms", "777"] == shown
    assert (hashlib.sha256(test_needs.SECRET.encode()).hexdigest(), "1") == (told["secret_sha256"], told["gpus"])
    assert ("failed", "oom_killed", 1) == (killed.outcome, killed.cause, killed.identity.generation), killed


def test_a_unit_of_a_user_that_lingers_comes_back(systemd_host, tmp_path):
    """No root: an administrator has allowed linger once; the power fails; a server of the package's own, behind a relay."""
    systemd_host.dirty = True
    systemd_host.enter("loginctl", "enable-linger", "nosudo")
    held = Traffic.SYSTEMD_SOCKET
    managed = model_checks.HostUnderManagement(systemd_host, "nosudo", boot_start=True, traffic=held)
    account = Account(systemd_host, "nosudo", "systemctl --user")
    old, new = (served_packages.command_package(tmp_path / f"p{factor}", factor)[0] for factor in (2.0, 3.0))
    launched = managed.act(LAUNCH, 1, old)
    assert launched.outcome == "changed", launched
    port = launched.identity.port
    assert str(launched.identity.pid) == account.show("MainPID")
    systemd_host.off()
    systemd_host.on()
    wait_until(lambda: account.answers(port, "/health"), "the model after the boot")
    replaced = managed.act(REPLACE, 2, new)
    assert ("changed", 0) == (replaced.outcome, replaced.receipt.failed), replaced
    said = account.predict(port)
    managed.act(STOP, 3)

    assert served_packages.times(3.0) == said
    assert ([], "") == (account.units(), account.run(LEFT, check=False))


def test_without_linger_an_account_gets_processes_and_is_told_why_not_units(systemd_host, tmp_path):
    """`auto` does what it can; `systemd` insists."""
    systemd_host.dirty = True
    package = served_packages.command_package(tmp_path / "p", 2.0)[0]
    refused = model_checks.HostUnderManagement(systemd_host, "nosudo", supervision="systemd").act(LAUNCH, 1, package)
    managed = model_checks.HostUnderManagement(systemd_host, "nosudo")
    launched = managed.act(LAUNCH, 2, package)
    account = Account(systemd_host, "nosudo", "systemctl --user")
    said = account.predict(launched.identity.port)
    units = account.units()
    managed.act(STOP, 3)

    assert ("failed", "dependency") == (refused.outcome, refused.cause)
    assert "loginctl enable-linger nosudo" in refused.message
    assert (served_packages.times(2.0), []) == (said, units)


def test_a_plain_host_gets_processes(plain_host, tmp_path):
    """No systemd, no root."""
    plain_host.dirty = True
    managed = model_checks.HostUnderManagement(plain_host)
    launched = managed.act(LAUNCH, 1, served_packages.command_package(tmp_path / "p", 2.0)[0])
    said = Account(plain_host, "deploy", "false").predict(launched.identity.port)
    stopped = managed.act(STOP, 2)

    assert ("changed", "changed") == (launched.outcome, stopped.outcome)
    assert served_packages.times(2.0) == said
