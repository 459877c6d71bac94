"""Reading settings: a YAML file, then the environment, then arguments; every error names the path of its setting."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from mgmt_ansible import errors

_T = TypeVar("_T", bound=BaseSettings)


def read_settings(model: type[_T], *, path: Path | None = None, overrides: Mapping[str, object] | None = None) -> _T:
    """Return settings from a file, the environment and arguments, the later ones first in rank.

    Args:
        model: Its `model_config` names the prefix of environment variables.
        path: YAML file with one mapping; None reads none.
        overrides: Field name -> value; None values are left out.

    Raises:
        ConfigError: Unreadable file, or a value that is not acceptable; the message names the path `a/b/c`.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    values = _merged(_merged(read_yaml(path) if path else {}, EnvSettingsSource(model)()), given)
    try:
        return model(**values)
    except ValidationError as exc:
        raise errors.ConfigError(describe(exc, path)) from exc


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the one mapping of a YAML file; an empty file is an empty mapping.

    Raises:
        ConfigError: The file cannot be read, or is not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise errors.ConfigError(f"{path}: cannot be read: {exc}") from exc
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise errors.ConfigError(f"{path}: must be a mapping of setting to value")
    return values


def describe(error: ValidationError, path: Path | None = None) -> str:
    """Return every problem of a validation as `a/b/c: what`, one a line, without the values (they may be secret)."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'/'.join(str(part) for part in one['loc']) or 'settings'}: {one['msg']}" for one in found]
    where = f"{path}: " if path else ""
    return "\n".join(f"{where}{line}" for line in lines)


def _merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return result
