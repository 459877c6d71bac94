"""Marking of outside text, so that Ansible never reads it as a template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mgmt_ansible import errors

MARK = "__ansible_unsafe"
"""The key by which Ansible's JSON loader knows text that is not a template (source: ansible-core, parsing/ajson)."""

_KEY = re.compile(r"(?!ansible_)[a-z][a-z0-9_]{0,63}")


def wrap_unsafe(value: object, *, path: str = "mgmt_event") -> object:
    """Return a JSON value in which every string is `{"__ansible_unsafe": string}`.

    Args:
        value: Mappings, sequences, strings, numbers, booleans and None, nested at will.
        path: Where the value stands, for messages.

    Raises:
        RenderError: A key is not of the fixed schema's form, a string is not valid Unicode, or a type is unknown.
    """
    match value:
        case str():
            return {MARK: _text(value, path)}
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_key(key, path): wrap_unsafe(item, path=f"{path}/{key}") for key, item in value.items()}
        case Sequence():
            return [wrap_unsafe(item, path=f"{path}/{index}") for index, item in enumerate(value)]
        case _:
            raise errors.RenderError(f"{path}: {type(value).__name__} cannot be rendered")


def _key(key: object, path: str) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise errors.RenderError(f"{path}: {key!r} is not a key of the schema")
    return key


def _text(value: str, path: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise errors.RenderError(f"{path}: the text is not valid Unicode") from exc
    return str.__str__(value)
