"""Reading settings: a YAML file, then the environment, then arguments; every error names the path of its setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from mgmt_ansible import errors

_LARGEST_FILE_BYTES = 1 << 20
_MOST_ALIASES = 20
"""Ten of ten of ten ... make a bomb of 10^9 values; a person shares a few."""

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
        ConfigError: The file cannot be read, is too large, says a key twice, or is not a mapping.
    """
    try:
        values = yaml.load(_text_of(path), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that refuses more
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise errors.ConfigError(f"{path}: cannot be read: {exc}") from exc
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise errors.ConfigError(f"{path}: must be a mapping of setting to value")
    return values


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise errors.ConfigError(f"{path}: is larger than {_LARGEST_FILE_BYTES} bytes")
    return content.decode("utf-8")


class _StrictLoader(yaml.SafeLoader):
    """Refuses what a settings file has no use for: keys that are there twice, and aliases by the hundred (a YAML bomb)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self.aliases = getattr(self, "aliases", 0) + 1
            if self.aliases > _MOST_ALIASES:
                raise yaml.YAMLError(f"more than {_MOST_ALIASES} aliases")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        counts = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = [word for word, count in counts.most_common(1) if count > 1]
        if twice:
            raise yaml.YAMLError(f"{twice[0]!r} is there twice")
        return super().construct_mapping(node, deep=deep)


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
