"""OpenSSH's server and client: there, or a sentence that says how they come."""

from __future__ import annotations

import shutil

from mgmt_ansible import errors
from mgmt_ansible.quickstart.loopback import find_sshd

_INSTALL = "apt-get update && apt-get install -y --no-install-recommends"


def require_openssh() -> None:
    """Stop where OpenSSH is missing; nothing is installed, as that would also start the machine's own sshd.

    Raises:
        QuickstartError: The message is the command for an administrator.
    """
    missing = list_missing()
    if missing:
        command = " ".join((_INSTALL, *missing))
        raise errors.QuickstartError(f"OpenSSH is missing; an administrator can install it with: {command}")


def list_missing() -> tuple[str, ...]:
    """Return the Debian packages whose programs are not there."""
    client = all(shutil.which(program) for program in ("ssh", "ssh-keygen"))
    return (*(() if find_sshd() else ("openssh-server",)), *(() if client else ("openssh-client",)))
