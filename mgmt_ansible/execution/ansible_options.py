"""How Ansible is called for one environment: its configuration file, its environment and its options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mgmt_ansible.domain.environments import EnvironmentBinding

_ANSIBLE_CFG = """\
[defaults]
host_key_checking = True
forks = {forks}
gathering = explicit
interpreter_python = auto_silent
retry_files_enabled = False
nocows = True
stdout_callback = default
timeout = 10

[connection]
pipelining = True

[ssh_connection]
pipelining = True
ssh_args = {ssh_args}
control_path_dir = ~/.ansible/cp/{environment}
"""


_SSH_OPTIONS = (
    "ConnectionAttempts=3",
    "ControlMaster=auto",
    "ControlPersist=60s",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
)
"""Only connecting is tried again: a command that broke off may have begun, which is settled by asking the host. A hostile
host gets neither keys nor screen, whatever the user's ssh_config says."""


def ansible_cfg(binding: EnvironmentBinding) -> str:
    """Return the `ansible.cfg` of environments that bring none of their own.

    Kept connections are the environment's own: another one may have another key or other known hosts.
    """
    ssh_args = " ".join(f"-o {option}" for option in _SSH_OPTIONS)
    return _ANSIBLE_CFG.format(ssh_args=ssh_args, forks=binding.forks, environment=binding.environment_id[:8])


def run_environment(
    binding: EnvironmentBinding, minimal: Mapping[str, str], inherited: Mapping[str, str], *, config: Path
) -> dict[str, str]:
    """Return all variables that Ansible sees.

    Args:
        binding: Its allow-list names what else passes through.
        minimal: Of the installation.
        inherited: The process's own environment.
        config: The `ansible.cfg` to use.
    """
    passed = {name: inherited[name] for name in binding.pass_environment if name in inherited}
    return {
        **passed,
        **minimal,
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "default",
    }


def vault_options(binding: EnvironmentBinding) -> list[str]:
    """Return the options that unlock the user's vault, by file."""
    return [part for path in binding.vault_password_files for part in ("--vault-password-file", str(path))]


def run_options(binding: EnvironmentBinding, *, check: bool = False) -> list[str]:
    """Return the options of `ansible-playbook` that come from the environment; secrets only as file paths."""
    options = [*vault_options(binding), "--forks", str(binding.forks)]
    if binding.become:
        options.append("--become")
    if binding.become_user:
        options += ["--become-user", binding.become_user]
    if binding.become_password_file is not None:
        options += ["--become-password-file", str(binding.become_password_file)]
    return [*options, "--check", "--diff"] if check else options
