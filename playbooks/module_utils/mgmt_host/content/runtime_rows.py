"""Runtimes that users add: a row of the agent's own configuration, which came as data, becomes one like ours.

The agent has checked it by the same rules (`mgmt_ansible/domain/runtime_rows.py`); one contract test feeds both the same rows.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..failures import HostError, evidence
from . import runtimes

SAYS = frozenset(("start", "arguments", "health_path", "predict_path", "metrics_path", "requirements", "target_type"))
PLACEHOLDERS = frozenset(
    ("address", "deployment_id", "generation", "package", "port", "python", "model", "model_folder")
)
MOST_WORDS = 256
LONGEST_WORD = 4096
MOST_REQUIREMENTS = 100
RESERVED = frozenset((*runtimes.ROWS, "pps", "container", "external"))
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PROGRAM = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}|\{python\}|(?:\{package\})?(?:/[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}){1,20}"
)
_PATH = re.compile(r"/(?:[!-\"$-z|~]|\{deployment_id\}){0,500}")
_FILE = re.compile(r"(?!\.{1,2}\Z)[^/\x00-\x1f]{1,200}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^/\\@\x00-\x1f]{0,199}")
_VARIABLE = re.compile(r"(?!MGMT_ANSIBLE_)[A-Za-z_][A-Za-z0-9_]{0,99}")
_STATUSES = (0, *range(400, 600))
_TEXTS = ("health_path", "predict_path", "metrics_path", "model_name", "requirements_beside")
_LISTS = ("start", "requirements", "says")
_KEYS = frozenset((*_TEXTS, *_LISTS, "name", "environment", "broken_status"))


def find(name: str, row: object) -> runtimes.Runtime:
    """Return what serves packages of that runtime: one of ours, or what the row says.

    Args:
        name: As the package's manifest has it.
        row: Of the agent's configuration; empty where it has none of that name.

    Raises:
        HostError: `dependency`: this host side does not serve it; `playbook_error`: the row is none.
    """
    return parse(name, row) if row else runtimes.require(name)


def parse(name: str, row: object) -> runtimes.Runtime:
    """Return the runtime that a row describes.

    Raises:
        HostError: `playbook_error`, naming the key.
    """
    if not isinstance(row, dict) or not set(row) <= _KEYS or row.get("name") != name:
        raise _wrong("name", "must be {}, with keys of a runtime only".format(name), row)
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise _wrong("name", "must be small letters, digits and _, and none of ours", name)
    texts = {key: _text(key, row.get(key, "")) for key in _TEXTS}
    lists = {key: _texts(key, row.get(key, [])) for key in _LISTS}
    _check_start(lists["start"], lists["says"])
    _check_paths(texts, lists["says"])
    _check_files(texts, lists["requirements"])
    status = row.get("broken_status", 0)
    if type(status) is not int or status not in _STATUSES:
        raise _wrong("broken_status", "must be an HTTP status from 400 to 599, or 0 for none", status)
    return runtimes.Runtime(
        name=name,
        start=lists["start"],
        health_path=texts["health_path"],
        predict_path=texts["predict_path"],
        metrics_path=texts["metrics_path"],
        requirements=lists["requirements"],
        says=frozenset(lists["says"]),
        model_name=texts["model_name"],
        requirements_beside=texts["requirements_beside"],
        environment=_variables(row.get("environment", [])),
        broken_status=status,
    )


def _check_start(start: tuple[str, ...], says: tuple[str, ...]) -> None:
    if not SAYS.issuperset(says):
        raise _wrong("says", "takes only {}".format(", ".join(sorted(SAYS))), says)
    if bool(start) == ("start" in says):
        raise _wrong("start", "must be given, or be left to the package, and not both", start)
    if len(start) > MOST_WORDS:
        raise _wrong("start", "takes at most {} arguments".format(MOST_WORDS), len(start))
    allowed = PLACEHOLDERS | ({"target_type"} if "target_type" in says else set())
    if not {name for word in start for name in _PLACEHOLDER.findall(word)} <= allowed:
        raise _wrong("start", "knows only the placeholders {}".format(", ".join(sorted(allowed))), start)
    if start and not _PROGRAM.fullmatch(start[0]):
        rule = "begins with a program's name or absolute path, {python}, or a file as {package}/NAME"
        raise _wrong("start", rule, start[0])


def _check_paths(texts: dict[str, str], says: tuple[str, ...]) -> None:
    if not texts["health_path"] and "health_path" not in says:
        raise _wrong("health_path", "must be given, or be left to the package", "")
    for key in ("health_path", "predict_path", "metrics_path"):
        if texts[key] and not _PATH.fullmatch(texts[key]):
            raise _wrong(key, "must be a path of HTTP that begins with /, such as /health", texts[key])


def _check_files(texts: dict[str, str], requirements: tuple[str, ...]) -> None:
    for key in ("model_name", "requirements_beside"):
        if texts[key] and not _FILE.fullmatch(texts[key]):
            raise _wrong(key, "must be the name of a file, without a folder", texts[key])
    if len(requirements) > MOST_REQUIREMENTS or not all(_REQUIREMENT.fullmatch(one) for one in requirements):
        raise _wrong("requirements", "takes a name with its versions each, no option, path or address", requirements)


def _variables(pairs: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(pairs, (list, tuple)):
        raise _wrong("environment", "must be a list of names and values", pairs)
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):  # noqa: PLR2004 - a pair
            raise _wrong("environment", "must be a list of names and values", pair)
        if not _VARIABLE.fullmatch(pair[0]):
            raise _wrong("environment", "takes names of variables, none that begins with MGMT_ANSIBLE_", pair[0])
    return tuple((str(name), _text("environment", value)) for name, value in pairs)


def _texts(key: str, words: object) -> tuple[str, ...]:
    if not isinstance(words, (list, tuple)):
        raise _wrong(key, "must be a list of texts, not a shell's text", words)
    return tuple(_text(key, word) for word in words)


def _text(key: str, word: Any) -> str:
    if not isinstance(word, str) or len(word) > LONGEST_WORD or not _is_text(word):
        raise _wrong(key, "takes texts of at most {} characters without NUL".format(LONGEST_WORD), word)
    return str(word)


def _is_text(word: str) -> bool:
    try:
        return b"\0" not in word.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _wrong(key: str, rule: str, found: object) -> HostError:
    message = "the runtime's {} {}; correct runtimes.yml where the agent is".format(key, rule)
    return HostError("playbook_error", message, [evidence("manifest", json.dumps(found, default=str)[:1000])])
