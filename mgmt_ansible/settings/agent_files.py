"""A new agent's configuration file, as it is written at its enrollment and shown on pages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = "agent.yaml"
TOKEN = "agent.token"  # noqa: S105 - a file's name
DEFAULT_INVENTORY = "/etc/ansible/hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """What a new configuration says.

    Attributes:
        control_plane_url: Without `/agent/v1`.
        environment_id: What it serves.
        environment_name: For whoever reads the file; text of somebody else.
        inventory: On the agent's machine.
        pattern: Ansible host pattern.
        become: Whether plays become root.
        base_dir: On the hosts; empty lets them choose.
        ansible_cfg: On the agent's machine; None for ours.
        ca_file: Certificates to trust; None for the machine's.
    """

    control_plane_url: str
    environment_id: str
    environment_name: str
    inventory: str = DEFAULT_INVENTORY
    pattern: str = "all"
    become: bool = False
    base_dir: str = ""
    ansible_cfg: Path | None = None
    ca_file: Path | None = None

    def text(self) -> str:
        """Return the file; every value is quoted as JSON, which is YAML too."""
        lines = [
            "# Configuration of an mgmt-ansible agent; every setting: docs/reference/agent-configuration.md",
            "control_plane:",
            f"  url: {json.dumps(self.control_plane_url)}",
            f"  token_file: {TOKEN}",
            *([f"  ca_file: {json.dumps(str(self.ca_file))}"] if self.ca_file else []),
            "data_dir: data",
            "preflight_hours: 24  # looks at all hosts as often, and tells the control plane what it found",
            "environments:",
            f"  - id: {json.dumps(self.environment_id)}  # {self._name}",
            f"    inventory: {json.dumps(self.inventory)}",
            f"    pattern: {json.dumps(self.pattern)}",
            f"    become: {json.dumps(self.become)}",
            *([f"    base_dir: {json.dumps(self.base_dir)}"] if self.base_dir else []),
            *([f"    ansible_cfg: {json.dumps(str(self.ansible_cfg))}"] if self.ansible_cfg else []),
        ]
        return "\n".join(lines) + "\n"

    @property
    def _name(self) -> str:
        return " ".join("".join(one if one.isprintable() else " " for one in self.environment_name).split())
