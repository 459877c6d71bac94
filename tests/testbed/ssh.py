"""Keys, known hosts, ssh_config and inventory of a testbed: host-key checking is on in all of them."""

from __future__ import annotations

import shlex
from pathlib import Path

import yaml

from tests.testbed import plans
from tests.testbed.commands import run

USER = "deploy"
_CONFIG = """\
Host {name}
  HostName {address}
  Port {port}
Host {name}-hub
  HostName {inside}
  Port 22
"""
_CONFIG_FOR_ALL = """\
Host *
  User {user}
  IdentityFile {state}/id
  IdentitiesOnly yes
  UserKnownHostsFile {state}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
"""
_ANSIBLE = """\
[defaults]
host_key_checking = True
gathering = explicit
retry_files_enabled = False
nocows = True
[ssh_connection]
pipelining = True
"""


def make_keys(plan: plans.Plan) -> None:
    """Make the user's key and a key for each host; existing ones stay."""
    _make_key(plan.state / "id", "testbed")
    for host in plan.hosts:
        _make_key(plan.folder(host) / "host_key", f"root@{host.name}")


def _make_key(path: Path, comment: str) -> None:
    if not path.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path)


def loopback_address(plan: plans.Plan, host: plans.HostPlan) -> str:
    """Where programs of this machine reach a host."""
    return f"{plan.loopback}.{host.octet}"


def host_variables(plan: plans.Plan, host: plans.HostPlan) -> dict[str, object]:
    """Return the inventory variables of a host; a plain one has no way to root."""
    options = {
        "UserKnownHostsFile": f'"{plan.state / "known_hosts"}"',
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
    }
    words = ["-F", "/dev/null", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    return {
        "ansible_host": loopback_address(plan, host),
        "ansible_port": plans.LOOPBACK_SSH_PORT,
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(plan.state / "id"),
        "ansible_ssh_common_args": shlex.join(words),
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def write_files(plan: plans.Plan) -> None:
    """Write `known_hosts`, `ssh_config`, `inventory.yml` (a group for each kind) and `ansible.cfg`."""
    known, config = [], []
    for host in plan.hosts:
        address = loopback_address(plan, host)
        key = " ".join((plan.folder(host) / "host_key.pub").read_text().split()[:2])
        known.append(f"[{address}]:{plans.LOOPBACK_SSH_PORT},{host.address} {key}\n")
        config.append(
            _CONFIG.format(name=host.name, address=address, port=plans.LOOPBACK_SSH_PORT, inside=host.address)
        )
    (plan.state / "known_hosts").write_text("".join(known))
    plan.ssh_config.write_text("".join(config) + _CONFIG_FOR_ALL.format(user=USER, state=plan.state))
    kinds = sorted({host.kind for host in plan.hosts})
    groups = {
        kind: {"hosts": {host.name: host_variables(plan, host) for host in plan.hosts if host.kind == kind}}
        for kind in kinds
    }
    (plan.state / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": groups}}, sort_keys=False))
    (plan.state / "ansible.cfg").write_text(_ANSIBLE)
