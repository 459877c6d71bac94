"""A folder as `up` leaves it, and the command line that works from there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible.quickstart.loopback import LoopbackHost, free_port
from tests.integration.preflight.conftest import ENVIRONMENT, options

PROGRAM = [sys.executable, "-m", "mgmt_ansible.cli"]


@dataclass
class Place:
    """A folder with an agent's configuration, as `up` leaves it, and a known_hosts file of its own."""

    folder: Path
    host: LoopbackHost
    known_hosts: Path

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, "--data", str(self.folder), "host", *arguments]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    @property
    def fingerprint(self) -> str:
        command = ["ssh-keygen", "-l", "-f", str(self.host.host_key.with_suffix(".pub"))]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]


def make_place(sshd: LoopbackHost, known_hosts: Path, tmp_path: Path) -> Place:
    """Return a place with two hosts: one is there, one is not."""
    there = {**sshd.host_variables(), "ansible_ssh_common_args": options(sshd, known_hosts)}
    hosts = {"web1": there, "web2": {**there, "ansible_port": free_port()}}
    (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "agent.token").write_text("a token of an agent")
    (tmp_path / "agent.token").chmod(0o600)
    environment = {"id": ENVIRONMENT, "inventory": "inventory.yml", "base_dir": str(tmp_path / "base")}
    settings = {
        "control_plane": {"url": "http://127.0.0.1:9", "token_file": "agent.token"},
        "environments": [environment],
    }
    (tmp_path / "agent.yaml").write_text(json.dumps(settings))
    return Place(folder=tmp_path, host=sshd, known_hosts=known_hosts)
