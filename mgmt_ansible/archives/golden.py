"""Check a package's golden predictions, `golden` in its manifest and the file of examples, before it is registered.

The host checks the same once more, in `mgmt_host/proving/golden_examples.py`, before it asks anything; one contract test feeds both the
same hostile files.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from mgmt_ansible import errors
from mgmt_ansible.domain.model_packages import MANIFEST_NAME, PackageFile

DEFAULT_FILE = "golden.jsonl"
DEFAULT_TOLERANCE = 1e-6
MOST_BYTES = 16 << 20
MOST_EXAMPLES = 1000
MOST_FIELDS = 20
LONGEST_LINE = 1 << 20
DEEPEST = 50
MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(?:; ?charset=[A-Za-z0-9-]{1,20})?")
_LONGEST_NUMBER = 300
_LONGEST_FIELD = 500
_NAME, _PLACE = r"[^.\[\]\x00-\x1f]{1,200}", r"\[(?:\*|[0-9]{1,7})\]"
_FIELD = re.compile(f"(?:{_NAME}|{_PLACE})(?:[.]{_NAME}|{_PLACE})*")


def check_golden(
    manifest: Mapping[str, object], files: Iterable[PackageFile], read: Callable[[str, int], bytes]
) -> None:
    """Check `golden` of a manifest and the file that it names; nothing is checked where there is none.

    Args:
        manifest: Parsed.
        files: Of the package.
        read: Returns the bytes of a file of the package, by its path, that many at most.

    Raises:
        ArchiveError: Naming the field or the line, and what it must be.
    """
    if "golden" not in manifest:
        return
    golden = manifest["golden"]
    if not isinstance(golden, dict):
        raise _wrong("golden", "must be an object", golden)
    for key in golden:
        if key not in {"file", "tolerance", "fields"}:
            raise _wrong("golden", "takes only file, tolerance and fields", key)
    name = golden.get("file", DEFAULT_FILE)
    if not isinstance(name, str) or name not in {file.path for file in files}:
        raise _wrong("golden.file", "must name a file of the package", name)
    _check_tolerance("golden.tolerance", golden.get("tolerance", DEFAULT_TOLERANCE))
    _check_fields(golden.get("fields", {}))
    _check_examples(read(name, MOST_BYTES + 1))


def loads(text: str) -> object:
    """Return a JSON value whose numbers are finite and whose depth is bounded.

    Raises:
        ValueError: It is none.
        RecursionError: It is far too deep.
    """
    value: object = json.loads(
        text, object_pairs_hook=_unique, parse_constant=_no_number, parse_int=_whole, parse_float=_finite
    )
    _check_depth(value)
    return value


def _check_fields(fields: object) -> None:
    if not isinstance(fields, dict) or len(fields) > MOST_FIELDS:
        raise _wrong("golden.fields", f"must map at most {MOST_FIELDS} paths to tolerances", fields)
    for path, tolerance in fields.items():
        if len(path) > _LONGEST_FIELD or not _FIELD.fullmatch(path):
            raise _wrong("golden.fields", "takes paths such as outputs[0].data or predictions[*].score", path)
        _check_tolerance("golden.fields", tolerance)


def _check_tolerance(field: str, value: object) -> None:
    with suppress(OverflowError):
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= float(value) < math.inf:
            return
    raise _wrong(field, "must be a number from 0 on", value)


def _check_examples(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise _wrong("golden.file", f"must have at most {MOST_BYTES} bytes", len(content))
    lines = content.split(b"\n")
    lines = lines[:-1] if lines[-1] == b"" else lines
    if not 1 <= len(lines) <= MOST_EXAMPLES:
        raise _wrong("golden.file", f"must have 1 to {MOST_EXAMPLES} lines", len(lines))
    for number, line in enumerate(lines, 1):
        _check_example(number, line)


def _check_example(number: int, line: bytes) -> None:
    if len(line) > LONGEST_LINE:
        raise _wrong_line(number, f"is longer than {LONGEST_LINE} bytes")
    try:
        value = loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise _wrong_line(number, f"is not JSON that can be asked: {error}") from error
    if not isinstance(value, dict) or not {"request", "answer"} <= set(value) <= {"request", "answer", "content_type"}:
        raise _wrong_line(number, "must be an object of request, answer and, if need be, content_type")
    kind = value.get("content_type", "application/json")
    if not isinstance(kind, str) or not MEDIA_TYPE.fullmatch(kind):
        raise _wrong_line(number, "has a content_type that is no media type such as text/csv")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number has more than {_LONGEST_NUMBER} digits")
    return int(text)


def _finite(text: str) -> float:
    if len(text) > _LONGEST_NUMBER or math.isinf(float(text)):
        raise ValueError("a number is too large")
    return float(text)


def _check_depth(value: object) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"it is more than {DEEPEST} levels deep")
        inner: list[object] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = inner


def _wrong(field: str, rule: str, found: object) -> errors.ArchiveError:
    return errors.ArchiveError(f"{MANIFEST_NAME}: {field} {rule}; it is {ascii(found)[:200]}")


def _wrong_line(number: int, rule: str) -> errors.ArchiveError:
    return errors.ArchiveError(f"{MANIFEST_NAME}: golden.file is wrong: line {number} {rule}")
