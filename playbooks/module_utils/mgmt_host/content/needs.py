"""What a package asks of the host that serves it: limits, GPUs, variables, and files with secrets, which it knows by name only.

`mgmt_ansible/archives/needs.py` has the same rules. A secret's value never passes through us: the server is told where to read it.
"""

from __future__ import annotations

import os
import re
from typing import Any, Mapping

from ..failures import HostError
from ..machine import durable_files
from . import runtimes
from .manifest_rules import check_resources, check_variables, wrong

ENFORCED_BY_PROCESS = frozenset(("open_files",))
FILE_SUFFIX = "_FILE"
REDACTED = "[redacted]"
KEYS = frozenset(("resources", "variables", "secrets"))
_OURS = frozenset(("resources",))
_RESERVED = ("HOME", "PATH", "PYTHONPYCACHEPREFIX")
_RESERVED_PREFIX = "MGMT_ANSIBLE_"
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_MOST_SECRETS = 64
_SHORTEST = 6
"""Shorter values would blank every text."""

_VISIBLE_DEVICES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def keys_of(runtime: runtimes.Runtime) -> frozenset[str]:
    """Return the keys of `serve` that a runtime's packages may have besides its own; a server of ours needs limits at most."""
    return _OURS if runtime.ours else KEYS


def check(serve: dict[str, Any], in_container: bool) -> None:
    """Check `resources`, `variables` and `secrets` of `serve`; an image's own variables are none of ours.

    Raises:
        HostError: `artifact`, naming the field.
    """
    check_resources(serve.get("resources", {}))
    variables = check_variables(serve.get("variables", {}))
    for name in variables:
        if not in_container and (name in _RESERVED or name.startswith(_RESERVED_PREFIX)):
            raise wrong("serve.variables", "does not take what is set for every server", name)
    secrets = serve.get("secrets", [])
    if not isinstance(secrets, list) or len(secrets) > _MOST_SECRETS:
        raise wrong("serve.secrets", "must be a list of at most {} names".format(_MOST_SECRETS), secrets)
    for name in secrets:
        if not isinstance(name, str) or not _SECRET.fullmatch(name) or secrets.count(name) > 1:
            raise wrong("serve.secrets", "takes names of letters, digits and _, each once", name)
        if name + FILE_SUFFIX in variables:
            raise wrong("serve.variables", "does not take what tells where a secret is", name + FILE_SUFFIX)


def find_secrets(names: list[str], files: Mapping[str, str]) -> dict[str, str]:
    """Return the file of each secret on this host.

    Args:
        names: As the package asks.
        files: The agent's setting `secret_files`.

    Raises:
        HostError: `dependency`: one is not named there, or is not here.
    """
    for name in names:
        if name not in files:
            message = (
                "the package asks for the secret {}: name its file on the hosts in the agent's setting secret_files"
            )
            raise HostError("dependency", message.format(name))
        if not os.path.isfile(files[name]):
            message = "the file {} of the secret {} is not on this host, or cannot be seen".format(files[name], name)
            raise HostError("dependency", message)
    return {name: files[name] for name in names}


def device_variables(resources: dict[str, Any]) -> dict[str, str]:
    """Return the variables by which libraries see the wanted GPUs alone; none where none are asked for."""
    gpus = resources.get("gpus")
    return {name: ",".join(gpus) for name in _VISIBLE_DEVICES} if gpus else {}


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """Return a server's words without the values of its secrets, should it have told them."""
    for path in secrets.values():
        for value in _values(path):
            text = text.replace(value, REDACTED)
    return text


def _values(path: str) -> list[str]:
    try:
        said = durable_files.tail(path, 1 << 16)
    except OSError:
        return []
    lines = {said.strip(), *(line.strip() for line in said.splitlines())}
    return sorted((line for line in lines if len(line) >= _SHORTEST), key=len, reverse=True)
