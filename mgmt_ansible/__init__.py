"""mgmt-ansible: deployment events rendered into Ansible runs, executed over SSH, parsed into health."""

from __future__ import annotations

__version__ = "0.1.0"
