"""A real sudo, asked by user nobody, under a sudoers file that only this one process sees."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_PROGRAM = """\
#!/bin/sh
exec unshare -m sh -c 'mount --bind {sudoers} /etc/sudoers && \\
  exec setpriv --reuid 65534 --regid 65534 --clear-groups {sudo} "$@"' sh "$@"
"""
NO_PASSWORD = "Defaults:nobody !authenticate\n"


def is_possible() -> bool:
    """Return whether this process may bind a file over another, for itself alone."""
    if os.geteuid() != 0 or not shutil.which("sudo") or not shutil.which("setpriv"):
        return False
    command = ["unshare", "-m", "mount", "--bind", "/etc/hostname", "/etc/sudoers"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def become_variables(folder: Path, rules: str, *, password: str | None = None) -> dict[str, object]:
    """Return inventory variables with which plays become `daemon` by sudo under these rules."""
    sudoers = folder / "sudoers"
    sudoers.write_text(rules)
    sudoers.chmod(0o440)
    program = folder / "sudo-as-nobody"
    program.write_text(_PROGRAM.format(sudoers=sudoers, sudo=shutil.which("sudo")))
    program.chmod(0o755)
    variables: dict[str, object] = {
        "ansible_become": True,
        "ansible_become_user": "daemon",
        "ansible_become_exe": str(program),
    }
    return {**variables, "ansible_become_password": password} if password else variables
