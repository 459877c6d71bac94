"""How Ansible would become another user on a host, and the same without a password."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.ssh_options import TemplateError, resolved

_TRUE = frozenset({"true", "yes", "1", "on"})
_PASSWORDS = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class BecomeOptions:
    """Whom, and by what.

    Attributes:
        user: Empty when `wanted` is False.
        has_password: Whether Ansible knows one.
        unusable: Why it cannot be tried, or empty.
    """

    wanted: bool
    user: str = ""
    executable: str = "sudo"
    has_password: bool = False
    unusable: str = ""

    def command(self, command: str) -> str:
        """Return a command as the user would run it for whom the work is done; it never asks."""
        return f"{shlex.quote(self.executable)} -H -n -u {shlex.quote(self.user)} {command}" if self.wanted else command


def read_become(
    binding: EnvironmentBinding, variables: Mapping[str, object], settings: Mapping[str, object]
) -> BecomeOptions:
    """Return what a run would do: a variable of the host wins over the binding, which wins over `ansible.cfg`."""
    default = binding.become or settings.get("DEFAULT_BECOME")
    try:
        wanted = str(resolved("ansible_become", variables.get("ansible_become", default))).lower() in _TRUE
        method = str(resolved("ansible_become_method", _first(variables, settings, "METHOD")))
        given = variables.get("ansible_become_user") or binding.become_user or settings.get("DEFAULT_BECOME_USER")
        user = str(resolved("ansible_become_user", given or "root"))
        named = variables.get("ansible_become_exe") or settings.get("DEFAULT_BECOME_EXE")
        executable = str(resolved("ansible_become_exe", named or "sudo"))
    except TemplateError as exc:
        return BecomeOptions(wanted=True, unusable=str(exc))
    if not wanted:
        return BecomeOptions(wanted=False)
    if method.removeprefix("ansible.builtin.") != "sudo":
        return BecomeOptions(wanted=True, user=user, unusable=f"become is {method}, only sudo is looked at")
    has_password = binding.become_password_file is not None or any(name in variables for name in _PASSWORDS)
    return BecomeOptions(wanted=True, user=user, executable=executable, has_password=has_password)


def _first(variables: Mapping[str, object], settings: Mapping[str, object], word: str) -> object:
    return variables.get(f"ansible_become_{word.lower()}") or settings.get(f"DEFAULT_BECOME_{word}") or "sudo"
