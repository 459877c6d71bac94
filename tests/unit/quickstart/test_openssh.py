"""OpenSSH is asked for, never installed."""

from __future__ import annotations

import pytest

from mgmt_ansible import errors
from mgmt_ansible.quickstart import openssh


def test_missing_openssh_stops_with_the_command_that_brings_it(monkeypatch):
    """Installing it would start the machine's own sshd, so an administrator decides."""
    monkeypatch.setattr(openssh, "find_sshd", lambda: None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(errors.QuickstartError) as stopped:
        openssh.require_openssh()

    command = "apt-get update && apt-get install -y --no-install-recommends openssh-server openssh-client"
    assert str(stopped.value).endswith(command)
