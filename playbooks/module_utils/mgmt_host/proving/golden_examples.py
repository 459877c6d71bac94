"""Golden predictions of a package: what its manifest says of them, and its file of examples, read and checked.

The control plane checks the same before the package is registered (`mgmt_ansible/archives/golden.py`); one contract test feeds
both the same hostile files.
"""

from __future__ import annotations

import json
import math
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Iterator

from ..content import packages
from ..failures import HostError, evidence
from ..machine import durable_files

DEFAULT_FILE = "golden.jsonl"
DEFAULT_TOLERANCE = 1e-6
MOST_BYTES = 16 << 20
MOST_EXAMPLES = 1000
MOST_FIELDS = 20
LONGEST_LINE = 1 << 20
DEEPEST = 50
_LONGEST_NUMBER = 300
_LONGEST_FIELD = 500
_NAME, _PLACE = r"[^.\[\]\x00-\x1f]{1,200}", r"\[(?:\*|[0-9]{1,7})\]"
_FIELD = re.compile("(?:{0}|{1})(?:[.]{0}|{1})*".format(_NAME, _PLACE))
_PART = re.compile("[.]?{0}|{1}".format(_NAME, _PLACE))
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(?:; ?charset=[A-Za-z0-9-]{1,20})?")


@dataclass(frozen=True)
class Example:
    """One golden prediction.

    Attributes:
        number: Its line, from 1.
        body: What is posted.
        kind: Media type of the body.
        answer: What the answer must hold.
    """

    number: int
    body: bytes
    kind: str
    answer: Any


@dataclass(frozen=True)
class Golden:
    """What a package says of its golden predictions.

    Attributes:
        path: Of the file of examples, on this host.
        tolerance: Of numbers; absolute below 1, relative above.
        fields: (pattern of a field's path, tolerance), the most exact first.
    """

    path: str
    tolerance: float
    fields: tuple[tuple[re.Pattern[str], float], ...]

    def tolerance_at(self, field: str) -> float:
        """Return the tolerance of the value at a path such as `outputs[0].data[3]`."""
        return next((tolerance for pattern, tolerance in self.fields if pattern.match(field)), self.tolerance)

    def read(self) -> Iterator[Example]:
        """Yield the examples in order.

        Raises:
            HostError: `artifact`, naming the line.
        """
        with open(self.path, "rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise _wrong("file", "must have at most {} bytes".format(MOST_BYTES), os.path.basename(self.path))
        lines = content.split(b"\n")
        lines = lines[:-1] if lines[-1] == b"" else lines
        if not 1 <= len(lines) <= MOST_EXAMPLES:
            raise _wrong("file", "must have 1 to {} lines".format(MOST_EXAMPLES), len(lines))
        for number, line in enumerate(lines, 1):
            yield _example(number, line)


def find(folder: str) -> Golden | None:
    """Return what an unpacked package says; None when it has no golden predictions.

    Raises:
        HostError: `artifact`, naming the field.
    """
    manifest = durable_files.read_json(os.path.join(folder, packages.MANIFEST_NAME)) or {}
    if "golden" not in manifest:
        return None
    said = manifest["golden"]
    if not isinstance(said, dict):
        raise _wrong("", "must be an object", said)
    for key in said:
        if key not in ("file", "tolerance", "fields"):
            raise _wrong("", "takes only file, tolerance and fields", key)
    name = said.get("file", DEFAULT_FILE)
    inside = isinstance(name, str) and not {"", ".", ".."}.intersection(name.split("/")) and "\0" not in name
    if not inside or not os.path.isfile(os.path.join(folder, name)):
        raise _wrong("file", "must name a file of the package", name)
    return Golden(
        os.path.join(folder, name), _tolerance("tolerance", said.get("tolerance", DEFAULT_TOLERANCE)), _fields(said)
    )


def loads(text: str) -> Any:
    """Return a JSON value whose numbers are finite and whose depth is bounded.

    Raises:
        ValueError: It is none.
        RecursionError: It is far too deep.
    """
    value = json.loads(
        text, object_pairs_hook=_unique, parse_constant=_no_number, parse_int=_whole, parse_float=_finite
    )
    _check_depth(value)
    return value


def _fields(said: dict[str, Any]) -> tuple[tuple[re.Pattern[str], float], ...]:
    fields = said.get("fields", {})
    if not isinstance(fields, dict) or len(fields) > MOST_FIELDS:
        raise _wrong("fields", "must map at most {} paths to tolerances".format(MOST_FIELDS), fields)
    found = []
    for path, tolerance in fields.items():
        if len(path) > _LONGEST_FIELD or not _FIELD.fullmatch(path):
            raise _wrong("fields", "takes paths such as outputs[0].data or predictions[*].score", path)
        parts = _PART.findall(path)
        texts = [r"\[[0-9]+\]" if part == "[*]" else re.escape(part) for part in parts]
        rank = (len(parts), -parts.count("[*]"))
        found.append((rank, re.compile("".join(texts) + r"(?=[.\[]|\Z)"), _tolerance("fields", tolerance)))
    found.sort(key=lambda one: one[0], reverse=True)
    return tuple((pattern, tolerance) for _, pattern, tolerance in found)


def _tolerance(key: str, value: object) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    with suppress(OverflowError):
        if number and 0 <= float(value) < math.inf:  # type: ignore[arg-type] # it is a number
            return float(value)  # type: ignore[arg-type] # it is a number
    raise _wrong(key, "must be a number from 0 on", value)


def _example(number: int, line: bytes) -> Example:
    if len(line) > LONGEST_LINE:
        raise _wrong_line(number, "is longer than {} bytes".format(LONGEST_LINE))
    try:
        value = loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _wrong_line(number, "is not JSON that can be asked: {}".format(error)) from error
    if not isinstance(value, dict) or not {"request", "answer"} <= set(value) <= {"request", "answer", "content_type"}:
        raise _wrong_line(number, "must be an object of request, answer and, if need be, content_type")
    kind = value.get("content_type", "application/json")
    if not isinstance(kind, str) or not _MEDIA_TYPE.fullmatch(kind):
        raise _wrong_line(number, "has a content_type that is no media type such as text/csv")
    plain = isinstance(value["request"], str) and "content_type" in value
    body = value["request"] if plain else json.dumps(value["request"])
    return Example(number, body.encode("utf-8", "replace"), kind, value["answer"])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


def _no_number(name: str) -> Any:
    raise ValueError("{} is no number of JSON".format(name))


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number has more than {} digits".format(_LONGEST_NUMBER))
    return int(text)


def _finite(text: str) -> float:
    if len(text) > _LONGEST_NUMBER or math.isinf(float(text)):
        raise ValueError("a number is too large")
    return float(text)


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("it is more than {} levels deep".format(DEEPEST))
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = inner


def _wrong(key: str, rule: str, found: object) -> HostError:
    field = "golden.{}".format(key) if key else "golden"
    message = "the package's {} {}; correct it and register the package anew".format(field, rule)
    return HostError("artifact", message, [evidence("manifest", json.dumps(found)[:1000])])


def _wrong_line(number: int, rule: str) -> HostError:
    return _wrong("file", "is wrong: line {} {}".format(number, rule), number)
