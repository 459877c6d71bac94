"""Aliases: names that point to one version of a registered model, and are moved, such as `champion` and `challenger`."""

from __future__ import annotations

import re

ALIAS_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_LIKE_A_VERSION = re.compile(r"latest|v[0-9]+")
"""What would be mistaken for a version. Source: MLflow's public documentation of registered model aliases."""


def is_alias(text: str) -> bool:
    """Tell whether a text can be an alias."""
    return re.fullmatch(ALIAS_PATTERN, text) is not None and _LIKE_A_VERSION.fullmatch(text) is None


def split_reference(reference: str) -> tuple[str, str] | None:
    """Return the name and the alias of `NAME@ALIAS`; None for anything else, such as a package's id.

    The last `@` parts them: names may hold one, aliases never do.
    """
    name, sign, alias = reference.rpartition("@")
    return (name, alias) if sign and name and is_alias(alias) else None
