"""Prediction environments, and the agent's own binding of one to an inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.runtime_rows import RuntimeRow


class Supervision(StrEnum):
    """What keeps model servers running on a host."""

    AUTO = "auto"
    """Units of systemd where they can be had, as root or for a user that lingers; else processes of our own."""
    SYSTEMD = "systemd"
    """Units, or the work fails."""
    PROCESS = "process"
    """Processes with a supervisor of our own."""


class ContainerEngine(StrEnum):
    """By what hosts run containers; `auto`: Docker where its daemon answers, else Podman."""

    AUTO = "auto"
    DOCKER = "docker"
    PODMAN = "podman"


class Traffic(StrEnum):
    """What holds a deployment's stable port: a HAProxy of its own, systemd, or the model server; `auto`: the host decides."""

    AUTO = "auto"
    HAPROXY = "haproxy"
    SYSTEMD_SOCKET = "systemd_socket"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentBinding:
    """How an agent reaches one prediction environment; comes from its configuration file, never from an event.

    Attributes:
        environment_id: Id in the control plane.
        inventory: Absolute path: file, executable script or directory, as Ansible takes it.
        pattern: Ansible host pattern.
        base_dir: Absolute directory on the hosts; empty lets the host choose (`/var/lib/mgmt-ansible` as root, else
            `~/.local/share/mgmt-ansible`).
        become: Whether the plays become `become_user`.
        become_user: Whom; empty means Ansible's own default.
        become_password_file: Absolute path of a file with the become password, or None.
        vault_password_files: Absolute paths for `--vault-password-file`.
        ansible_cfg: Absolute path of the user's own `ansible.cfg`, or None for ours.
        content_path: Absolute path of a folder whose `playbooks/` and `roles/` come before ours, or None.
        pass_environment: Names of environment variables that runs may see.
        boot_start: Whether deployments start again after a reboot: by their units, else by a user crontab `@reboot` line.
        supervision: What keeps model servers running.
        secret_files: Name of a secret that packages ask for -> absolute path of its file on the hosts.
        forks: Hosts at a time.
        pip_arguments: Extra arguments for `pip install` on hosts (an index, a proxy); no secrets.
        wheelhouse: Absolute path of a folder of wheels on the agent's machine that travels to the hosts, or None for an
            index.
        container_engine: By what packages are served that need a container.
        bind_address: Address on the hosts where deployments are reached.
        traffic: What holds a deployment's stable port on the hosts.
        drain_timeout_seconds: How long a replaced model may take for what it has begun to answer.
        runtimes: What may be served. All but `onnx` run what packages bring, so that who may register packages may run
            programs as the account on the hosts.
        runtime_rows: Runtimes that the user added in the content path.
    """

    environment_id: str
    inventory: PurePath
    pattern: str = "all"
    base_dir: str = ""
    become: bool = False
    become_user: str = ""
    become_password_file: PurePath | None = None
    vault_password_files: tuple[PurePath, ...] = ()
    ansible_cfg: PurePath | None = None
    content_path: PurePath | None = None
    pass_environment: tuple[str, ...] = ()
    boot_start: bool = True
    supervision: Supervision = Supervision.AUTO
    secret_files: Mapping[str, str] = field(default_factory=dict)
    forks: int = 50
    pip_arguments: tuple[str, ...] = ()
    wheelhouse: PurePath | None = None
    container_engine: ContainerEngine = ContainerEngine.AUTO
    bind_address: str = "0.0.0.0"  # noqa: S104 - predictions are asked over the network; the binding may narrow it
    traffic: Traffic = Traffic.AUTO
    drain_timeout_seconds: float = 30.0
    runtimes: tuple[str, ...] = (Runtime.ONNX,)
    runtime_rows: tuple[RuntimeRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryHost:
    """A host as the control plane's pages may know it: a name and its groups, nothing else."""

    name: str
    groups: tuple[str, ...] = field(default=())
