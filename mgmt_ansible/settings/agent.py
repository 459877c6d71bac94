"""Settings of the agent; the reference page is docs/reference/agent-configuration.md."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import ContainerEngine, EnvironmentBinding, Supervision, Traffic
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.runtime_rows import RuntimeRow
from mgmt_ansible.settings.content import default_content_path
from mgmt_ansible.settings.reading import read_settings
from mgmt_ansible.settings.runtime_rows import FILE_NAME, read_runtime_rows

_URL_PATTERN = r"^https?://[^\s/?#]+[^\s?#]*$"
_ENVIRONMENT_ID = r"^[0-9a-f]{24}$"
_VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_PATTERN = r"^[^\s@-][^\s]*$"
_SECRET_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"  # noqa: S105 - a rule
_HOST_PATH = r"^/[^\x00-\x1f\x7f]{1,4000}$"
_URL_WITH_PASSWORD = re.compile(r"://[^\s/?#@]*:[^\s/?#]*@")
_INLINE_TOKEN_VARIABLE = "MGMT_ANSIBLE_AGENT_CONTROL_PLANE__TOKEN"  # noqa: S105 - a name
_REFUSED_VARIABLES = re.compile(
    r"^(ANSIBLE_(CONFIG|HOST_KEY_CHECKING|STDOUT_CALLBACK|CALLBACK_PLUGINS)|PATH|LD_\w+|PYTHON\w*)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What `mgmt-ansible agent` needs to know; every path is absolute.

    Attributes:
        control_plane_url: Without `/agent/v1`.
        token: Of kind `agent`; never printed.
        ca_file: Certificates to trust instead of the machine's, or None.
        data_dir: Report spool and package cache.
        workers: Actions at once.
        grace_seconds: How long running work may go on after SIGTERM.
        preflight_seconds: Between two looks at all hosts that are told to the control plane; 0 for never.
        bin_dir: Directory of another interpreter's Ansible, or None for ours.
        content_path: Home of our playbooks and roles.
        bindings: Environment id -> binding, never empty.
        log_format: `console` for people, `json` for machines.
    """

    control_plane_url: str
    token: str = field(repr=False)
    ca_file: Path | None = None
    data_dir: Path
    workers: int = 4
    grace_seconds: float = 30.0
    preflight_seconds: float = 0.0
    bin_dir: Path | None = None
    content_path: Path
    bindings: Mapping[str, EnvironmentBinding]
    log_format: Literal["console", "json"] = "console"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ControlPlane(_Section):
    url: Annotated[str, Field(pattern=_URL_PATTERN)]
    token: Annotated[str | None, Field(min_length=1, repr=False)] = None
    token_file: Path | None = None
    ca_file: Path | None = None


class _Ansible(_Section):
    bin_dir: Path | None = None


class _Environment(_Section):
    id: Annotated[str, Field(pattern=_ENVIRONMENT_ID)]
    inventory: Path
    pattern: Annotated[str, Field(pattern=_PATTERN)] = "all"
    base_dir: str = ""
    become: bool = False
    become_user: str = ""
    become_password_file: Path | None = None
    vault_password_files: tuple[Path, ...] = ()
    ansible_cfg: Path | None = None
    content_path: Path | None = None
    pass_environment: tuple[Annotated[str, Field(pattern=_VARIABLE_NAME)], ...] = ()
    boot_start: bool = True
    supervision: Supervision = Supervision.AUTO
    secret_files: dict[Annotated[str, Field(pattern=_SECRET_NAME)], Annotated[str, Field(pattern=_HOST_PATH)]] = {}
    forks: Annotated[int, Field(ge=1, le=1000)] = 50
    pip_arguments: tuple[str, ...] = ()
    wheelhouse: Path | None = None
    container_engine: ContainerEngine = ContainerEngine.AUTO
    bind_address: Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]+$")] = "0.0.0.0"  # noqa: S104 - see EnvironmentBinding
    traffic: Traffic = Traffic.AUTO
    drain_timeout_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    runtimes: Annotated[tuple[str, ...], Field(min_length=1)] = (Runtime.ONNX,)


class _AgentFile(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="MGMT_ANSIBLE_AGENT_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    control_plane: _ControlPlane
    data_dir: Path = Path("mgmt-ansible-agent-data")
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    preflight_hours: Annotated[float, Field(ge=0, le=8760)] = 0.0
    ansible: _Ansible = _Ansible()
    content_path: Path | None = None
    environments: Annotated[tuple[_Environment, ...], Field(min_length=1)]
    log_format: Literal["console", "json"] = "console"


def load_agent_settings(path: Path) -> AgentSettings:
    """Return the settings of a YAML file and of `MGMT_ANSIBLE_AGENT_*` variables; relative paths are relative to the file.

    Raises:
        ConfigError: The message names the path of the setting, such as `environments/0/inventory`.
    """
    read = read_settings(_AgentFile, path=path)
    folder = path.absolute().parent
    return AgentSettings(
        control_plane_url=read.control_plane.url,
        token=_token(read.control_plane, path),
        ca_file=_existing(read.control_plane.ca_file, folder, "control_plane/ca_file"),
        data_dir=folder / read.data_dir.expanduser(),
        workers=read.workers,
        grace_seconds=read.grace_seconds,
        preflight_seconds=read.preflight_hours * 3600,
        bin_dir=_existing(read.ansible.bin_dir, folder, "ansible/bin_dir"),
        content_path=_existing(read.content_path, folder, "content_path") or default_content_path(),
        bindings=_bindings(read.environments, folder),
        log_format=read.log_format,
    )


def _bindings(environments: tuple[_Environment, ...], folder: Path) -> dict[str, EnvironmentBinding]:
    bindings: dict[str, EnvironmentBinding] = {}
    for index, environment in enumerate(environments):
        if environment.id in bindings:
            raise errors.ConfigError(f"environments/{index}/id: {environment.id} is there twice")
        bindings[environment.id] = _binding(environment, folder, f"environments/{index}")
    return bindings


def _binding(environment: _Environment, folder: Path, where: str) -> EnvironmentBinding:
    inventory = _existing(environment.inventory, folder, f"{where}/inventory")
    if inventory is None:
        raise errors.ConfigError(f"{where}/inventory: is missing")
    _check_environment(environment, where)
    content_path = _existing(environment.content_path, folder, f"{where}/content_path")
    rows = read_runtime_rows(content_path, f"{where}/content_path")
    _check_runtimes(environment.runtimes, rows, where)
    return EnvironmentBinding(
        environment_id=environment.id,
        inventory=inventory,
        pattern=environment.pattern,
        base_dir=environment.base_dir,
        become=environment.become,
        become_user=environment.become_user,
        become_password_file=_secret_file(environment.become_password_file, folder, f"{where}/become_password_file"),
        vault_password_files=tuple(
            found
            for index, path in enumerate(environment.vault_password_files)
            if (found := _secret_file(path, folder, f"{where}/vault_password_files/{index}")) is not None
        ),
        ansible_cfg=_existing(environment.ansible_cfg, folder, f"{where}/ansible_cfg"),
        content_path=content_path,
        pass_environment=environment.pass_environment,
        boot_start=environment.boot_start,
        supervision=environment.supervision,
        secret_files=environment.secret_files,
        forks=environment.forks,
        pip_arguments=environment.pip_arguments,
        wheelhouse=_existing(environment.wheelhouse, folder, f"{where}/wheelhouse"),
        container_engine=environment.container_engine,
        bind_address=environment.bind_address,
        traffic=environment.traffic,
        drain_timeout_seconds=environment.drain_timeout_seconds,
        runtimes=environment.runtimes,
        runtime_rows=rows,
    )


def _check_environment(environment: _Environment, where: str) -> None:
    if environment.base_dir and not environment.base_dir.startswith("/"):
        raise errors.ConfigError(f"{where}/base_dir: {environment.base_dir!r} is not an absolute path on the hosts")
    for index, name in enumerate(environment.pass_environment):
        if _REFUSED_VARIABLES.match(name):
            raise errors.ConfigError(f"{where}/pass_environment/{index}: {name} is set by the agent itself")
    for index, argument in enumerate(environment.pip_arguments):
        if _URL_WITH_PASSWORD.search(argument):
            raise errors.ConfigError(
                f"{where}/pip_arguments/{index}: a password in a URL would show in the hosts' process lists; "
                "put it into the pip.conf or .netrc of the hosts' user"
            )


def _check_runtimes(names: tuple[str, ...], rows: tuple[RuntimeRow, ...], where: str) -> None:
    if Runtime.EXTERNAL in names:
        raise errors.ConfigError(f"{where}/runtimes: {Runtime.EXTERNAL} is what others serve, not this agent")
    known = [*(one.value for one in Runtime if one is not Runtime.EXTERNAL), *(row.name for row in rows)]
    for index, name in enumerate(names):
        if name not in known:
            raise errors.ConfigError(
                f"{where}/runtimes/{index}: {name!r} is neither one of ours nor of {FILE_NAME} in the content path; "
                f"known are {', '.join(known)}"
            )


def _existing(path: Path | None, folder: Path, where: str) -> Path | None:
    """Return an absolute path that exists; symbolic links stay as the user wrote them."""
    if path is None:
        return None
    found = Path(os.path.normpath(folder / path.expanduser()))
    if not found.exists():
        raise errors.ConfigError(f"{where}: {found} does not exist")
    return found


def _secret_file(path: Path | None, folder: Path, where: str) -> Path | None:
    """Return the path of a file with a secret; a script that prints one holds none itself, so everybody may read it."""
    found = _existing(path, folder, where)
    if found is None:
        return None
    mode = found.stat().st_mode
    if mode & stat.S_IROTH and not mode & stat.S_IXUSR:
        raise errors.ConfigError(f"{where}: {found} can be read by everybody: run `chmod 600 {found}`")
    return found


def _token(section: _ControlPlane, file: Path) -> str:
    if (section.token is None) == (section.token_file is None):
        raise errors.ConfigError("control_plane/token: give either token or token_file")
    if section.token is not None:
        if _INLINE_TOKEN_VARIABLE not in os.environ:
            _secret_file(file, Path.cwd(), "control_plane/token")
        return section.token
    path = _secret_file(section.token_file, file.absolute().parent, "control_plane/token_file")
    try:
        token = path.read_text(encoding="utf-8").strip() if path is not None else ""
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.ConfigError(f"control_plane/token_file: {path} cannot be read: {exc}") from exc
    if not token:
        raise errors.ConfigError(f"control_plane/token_file: {path} is empty")
    return token
