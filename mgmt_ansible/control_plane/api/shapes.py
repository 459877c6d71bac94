"""The shape of a JSON body, before anything is made of it: how deep, how many keys, which numbers, no key twice.

A first pass over the bytes bounds the nesting, so that the parser never goes deep; a second one parses.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator

MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_FIELD_CHARACTERS = 65_536

_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_SIGNS = bytes.maketrans(b"{}", b"[]")
_OPENS = ord("[")
_NO_SIGNS = bytes(set(range(256)) - set(b"[]{}"))


class ShapeError(ValueError):
    """The body's shape is refused; the message says why."""


def check_shape(body: bytes, *, max_field: int = MAX_FIELD_CHARACTERS, max_keys: int = MAX_KEYS) -> None:
    """Check a JSON body; what is no JSON at all is left to whoever reads it.

    Args:
        body: As it came.
        max_field: Characters of one text.
        max_keys: Keys of all objects together.

    Raises:
        ShapeError: Too deep, too many keys, a text too long, a key twice, or a number that is not finite.
    """
    _check_depth(body)
    keys = _Keys(max_keys)
    try:
        value = json.loads(body, object_pairs_hook=keys.take, parse_constant=_refuse_constant, parse_float=_finite)
    except ShapeError:
        raise
    except (ValueError, RecursionError):
        return
    for text in _texts(value) if len(body) > max_field else ():
        if len(text) > max_field:
            raise ShapeError(f"a text is longer than {max_field} characters")


def _check_depth(body: bytes) -> None:
    signs = _TEXTS.sub(b"", body).translate(_SIGNS, _NO_SIGNS)
    left = signs
    for _ in range(MAX_DEPTH):
        left = left.replace(b"[]", b"")  # takes the innermost level away
    if left:  # deeper, or no JSON
        _count_depth(signs)


def _count_depth(signs: bytes) -> None:
    depth = 0
    for sign in signs:
        depth += 1 if sign == _OPENS else -1
        if depth > MAX_DEPTH:
            raise ShapeError(f"is nested deeper than {MAX_DEPTH}")


class _Keys:
    """Builds objects, and counts their keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0

    def take(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        self._count += len(pairs)
        if self._count > self._most:
            raise ShapeError(f"has more than {self._most} keys")
        made = dict(pairs)
        if len(made) < len(pairs):
            raise ShapeError("has a key twice")
        return made


def _refuse_constant(name: str) -> float:
    raise ShapeError(f"{name} is not a number here")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ShapeError("numbers must be finite")
    return number


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)
