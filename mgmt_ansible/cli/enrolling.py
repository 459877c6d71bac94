"""`agent enroll`: a one-time code becomes a token and a configuration file, in the folder where one stands."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import typer

from mgmt_ansible import errors
from mgmt_ansible.settings.agent import load_agent_settings
from mgmt_ansible.settings.agent_files import CONFIGURATION, TOKEN, AgentFile

_LONGEST_CODE = 200


def enroll(file: AgentFile) -> Path:
    """Ask for the code, and write `agent.yaml` and `agent.token` beside each other; return the former.

    Everything that can be seen to be wrong is refused before the code is used up.

    Args:
        file: What is known of the configuration; the control plane tells the environment.

    Raises:
        ConflictError: One of the files is there already.
        ConfigError: A path does not exist.
        AccessError: The code is unknown, was used, or is too old.
    """
    from mgmt_ansible.client.enrollments import enroll as ask

    for name in (CONFIGURATION, TOKEN):
        if Path(name).exists():
            raise errors.ConflictError(
                f"{name} is here already: start it with `agent --config {CONFIGURATION}`, or go elsewhere"
            )
    for option, path in (("inventory", file.inventory), ("ansible-cfg", file.ansible_cfg), ("ca-file", file.ca_file)):
        if path is not None and not Path(path).expanduser().exists():
            raise errors.ConfigError(f"{option}: {path} does not exist on this machine")
    enrollment = ask(file.control_plane_url, _code(), ca_file=file.ca_file)
    known = replace(
        file,
        environment_id=enrollment.prediction_environment_id,
        environment_name=enrollment.prediction_environment_name,
    )
    _write(Path(TOKEN), enrollment.token + "\n")
    _write(Path(CONFIGURATION), known.text())
    load_agent_settings(Path(CONFIGURATION))
    return Path(CONFIGURATION)


def _code() -> str:
    """Return the code that is typed unseen, or piped; it stands in no command line."""
    code: str = typer.prompt("One-time code", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    code = code.strip()
    if not 1 <= len(code) <= _LONGEST_CODE:
        raise errors.InvalidRequestError("code: paste the one-time code that the environment's page shows")
    return code


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
