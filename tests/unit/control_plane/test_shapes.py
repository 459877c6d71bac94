"""The shape of JSON bodies: what is refused before anything is made of it."""

from __future__ import annotations

import json

import pytest

from mgmt_ansible.control_plane.api.shapes import MAX_DEPTH, MAX_FIELD_CHARACTERS, MAX_KEYS, ShapeError, check_shape


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
        (b'["\\"", ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"]", "nested"),
        (json.dumps({str(n): n for n in range(MAX_KEYS + 1)}).encode(), "10000 keys"),
        (json.dumps([{"a": 1}] * (MAX_KEYS + 1)).encode(), "10000 keys"),
        (json.dumps({"a": "x" * (MAX_FIELD_CHARACTERS + 1)}).encode(), "longer"),
        (json.dumps({"x" * (MAX_FIELD_CHARACTERS + 1): 1}).encode(), "longer"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": 1, "\\u0061": 2}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "finite"),
    ],
)
def test_a_hostile_shape_is_refused(body: bytes, reason: str):
    """With its reason."""
    with pytest.raises(ShapeError, match=reason):
        check_shape(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        b'{"a": "\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        json.dumps({str(n): n for n in range(MAX_KEYS)}).encode(),
        json.dumps({"a": "x" * MAX_FIELD_CHARACTERS}).encode(),
        b'{"a": 1.5e300, "b": {"a": 1}}',
    ],
)
def test_what_only_looks_hostile_is_not(body: bytes):
    """Brackets in texts are text; the limits themselves are allowed."""
    check_shape(body)


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"', b"1 2", b'{"a": "\\', b"]]]]"])
def test_what_is_no_json_is_left_to_its_reader(body: bytes):
    """Who says so in its own words."""
    check_shape(body)
