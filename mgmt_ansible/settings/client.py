"""Settings of whoever speaks to a control plane: its URL and a token, in the order in which they are looked for.

1. `--data DIR`: `DIR/client.yaml`, as `up` writes it; else `DIR/control-plane.json` and `DIR/admin.token`, as `serve` does.
2. The variables `MGMT_ANSIBLE_URL` and `MGMT_ANSIBLE_TOKEN` (and `MGMT_ANSIBLE_CA_FILE`), both or none.
3. `~/.config/mgmt-ansible/client.yaml` (below `XDG_CONFIG_HOME` where that is set).
4. `~/.local/share/mgmt-ansible/up`, the folder of an `up` that was given none.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from mgmt_ansible import errors
from mgmt_ansible.settings.reading import describe, read_yaml

CLIENT_FILE = "client.yaml"


class ConnectionSettings(BaseModel):
    """Where a control plane is and what opens it.

    Attributes:
        url: For example `http://127.0.0.1:8765`.
        token: An access token of kind `user`.
        ca_file: PEM file of the authorities to trust; None means the usual ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    token: SecretStr
    ca_file: Path | None = None


def load_connection(data: Path | None = None, *, variables: Mapping[str, str] | None = None) -> ConnectionSettings:
    """Return the connection that the user means.

    Args:
        data: Folder of `up` or `serve`; nothing else is looked at then.
        variables: Environment variables; None means those of this process.

    Raises:
        ConfigError: Nothing says where the control plane is, or what says it cannot be used.
        ControlPlaneUnavailableError: The control plane of `data` has ended.
    """
    found = os.environ if variables is None else variables
    folder = find_folder(data, variables=found)
    if folder is not None:
        return _from_data(folder)
    if _named(found):
        return _from_variables(found)
    path = _config_folder(found) / CLIENT_FILE
    if path.exists():
        return read_connection(path)
    raise errors.ConfigError(
        "no control plane is known: give `--data DIR` (the folder of `mgmt-ansible up` or `serve`), or set "
        f"MGMT_ANSIBLE_URL and MGMT_ANSIBLE_TOKEN, or write url and token into {path}"
    )


def find_folder(data: Path | None = None, *, variables: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of `up` or `serve` that says where the control plane is; None when something else says it.

    Args:
        data: The folder that the user named, if so.
        variables: Environment variables; None means those of this process.
    """
    found = os.environ if variables is None else variables
    if data is not None or _named(found) or (_config_folder(found) / CLIENT_FILE).exists():
        return data
    folder = default_up_folder(found)
    return folder if (folder / CLIENT_FILE).exists() else None


def default_up_folder(variables: Mapping[str, str] | None = None) -> Path:
    """Return the folder that `up` uses when none is named.

    Args:
        variables: Environment variables; None means those of this process.
    """
    home = (os.environ if variables is None else variables).get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "share" / "mgmt-ansible" / "up"


def read_connection(path: Path) -> ConnectionSettings:
    """Return the connection in a YAML file that only its owner may read.

    Raises:
        ConfigError: See `load_connection`.
    """
    _refuse_readable(path)
    return _validated(read_yaml(path), str(path))


def _from_data(data: Path) -> ConnectionSettings:
    if (data / CLIENT_FILE).exists():
        return read_connection(data / CLIENT_FILE)
    token_file, place_file = data / "admin.token", data / "control-plane.json"
    if token_file.exists():
        _refuse_readable(token_file)
        if not place_file.exists():
            raise errors.ControlPlaneUnavailableError(
                f"the control plane of {data} is not running: start it with `mgmt-ansible serve --data {data}`"
            )
    try:
        token, place = token_file.read_text().strip(), json.loads(place_file.read_text())
        return _validated({"url": place["url"], "token": token}, str(data))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise errors.ConfigError(
            f"{data}: holds no {CLIENT_FILE}: is it the folder of `mgmt-ansible up` or `serve`, and was one started there?"
        ) from exc


def _from_variables(variables: Mapping[str, str]) -> ConnectionSettings:
    names = {"url": "MGMT_ANSIBLE_URL", "token": "MGMT_ANSIBLE_TOKEN", "ca_file": "MGMT_ANSIBLE_CA_FILE"}
    for name in (names["url"], names["token"]):
        if not variables.get(name):
            raise errors.ConfigError(f"{name}: is not set; {names['url']} and {names['token']} go together")
    values = {field: variables[name] for field, name in names.items() if variables.get(name)}
    return _validated(values, "environment")


def _named(variables: Mapping[str, str]) -> bool:
    return bool(variables.get("MGMT_ANSIBLE_URL") or variables.get("MGMT_ANSIBLE_TOKEN"))


def _config_folder(variables: Mapping[str, str]) -> Path:
    home = variables.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "mgmt-ansible"


def _refuse_readable(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        raise errors.ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        raise errors.ConfigError(f"{path}: holds a token and others may read it: run `chmod 600 {path}`")


def _validated(values: Mapping[str, object], where: str) -> ConnectionSettings:
    try:
        return ConnectionSettings.model_validate(values)
    except ValidationError as exc:
        raise errors.ConfigError(f"{where}: {describe(exc)}") from exc
