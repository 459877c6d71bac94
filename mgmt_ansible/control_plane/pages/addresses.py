"""Addresses: every view has one, and what is not chosen is left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

_DIGITS = 18


def address(path: str, values: Mapping[str, object]) -> str:
    """Return a path with a query string; values that are empty, zero or None are left out, several come again."""
    pairs: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, str) or not isinstance(value, Iterable):
            pairs += [(name, value)] if value else []
        else:
            pairs += [(name, one) for one in value if one]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def number(text: str) -> int:
    """Return what a query string says in digits; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
