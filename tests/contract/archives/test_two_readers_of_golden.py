"""Contract: the host and the control plane judge a package's golden predictions alike."""

from __future__ import annotations

import json
import random

import pytest
from mgmt_host.failures import HostError
from mgmt_host.proving import golden_examples

from mgmt_ansible import errors
from mgmt_ansible.archives import build_package, golden

LINE = b'{"request": {"rows": [[1, 2.5]]}, "answer": {"predictions": [3.5, null, true, "x"]}}\n'
FILE = {"file": "golden.jsonl"}
NOISE = random.Random(0).randbytes(1 << 20).hex().encode()
"""What no archive makes much smaller."""

WRONG_MANIFESTS = [
    None,
    [],
    "golden.jsonl",
    True,
    {**FILE, "examples": 3},
    *(
        {"file": name}
        for name in ("", ".", "..", "absent", "../golden.jsonl", "/etc/passwd", "a\0", "\ud800", 1, None, [])
    ),
    {"file": "folder"},
    *({**FILE, "tolerance": value} for value in (-1, -1e-9, "1", None, True, [], 10**400)),
    *({**FILE, "fields": value} for value in (None, [], "outputs", 1)),
    *(
        {**FILE, "fields": {path: 0.1}}
        for path in ("", ".", ".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[x]", "a]b", "a\nb", "[0]b", "x" * 501)
    ),
    *({**FILE, "fields": {"a": value}} for value in (-1, None, "1", False, {})),
    {**FILE, "fields": {f"a{number}": 0.1 for number in range(21)}},
]
RIGHT_MANIFESTS = [
    FILE,
    {},
    {"file": "folder/other.jsonl"},
    {**FILE, "tolerance": 0},
    {**FILE, "tolerance": 0.5, "fields": {"outputs[*].data[3]": 1e-3, "a b.\u00e9-_$": 2, "[0]": 0, "a[0][1].b": 1}},
]
WRONG_FILES = {
    "empty": b"",
    "only a new line": b"\n",
    "an empty line": LINE + b"\n" + LINE,
    "not JSON": LINE + b"{not json}\n",
    "half": LINE[:-9],
    "not UTF-8": LINE.replace(b"x", b"\xff"),
    "a mark of byte order": b"\xef\xbb\xbf" + LINE,
    "a list": b"[1, 2]\n",
    "a number": b"7\n",
    "no answer": b'{"request": {}}\n',
    "no request": b'{"answer": {}}\n',
    "another key": b'{"request": {}, "answer": {}, "expect": {}}\n',
    "a key twice": b'{"request": {}, "answer": 1, "answer": 2}\n',
    "a key twice inside": b'{"request": {}, "answer": {"a": 1, "a": 2}}\n',
    "NaN": b'{"request": {}, "answer": {"a": NaN}}\n',
    "infinity": b'{"request": {}, "answer": [-Infinity]}\n',
    "a number that is infinite": b'{"request": {}, "answer": [1e999]}\n',
    "a number of many digits": b'{"request": {}, "answer": ' + b"9" * 301 + b"}\n",
    "a fraction of many digits": b'{"request": {}, "answer": 0.' + b"9" * 301 + b"}\n",
    "a media type that is none": b'{"request": "a", "answer": 1, "content_type": "text"}\n',
    "a media type with a header": b'{"request": "a", "answer": 1, "content_type": "text/csv\\r\\nX: y"}\n',
    "a media type of another type": b'{"request": "a", "answer": 1, "content_type": 1}\n',
    "deep": b'{"request": ' + b"[" * 50 + b"]" * 50 + b', "answer": 1}\n',
    "very deep": b'{"request": 1, "answer": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "very deep objects": b'{"request": 1, "answer": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001 + b"\n",
    "a long line": b'{"request": "' + NOISE[: 1 << 20] + b'", "answer": 1}\n',
    "many lines": LINE * 1001,
    "a large file": b"".join(b'{"request": "%d%s", "answer": 1}\n' % (place, NOISE[: 1 << 19]) for place in range(33)),
}
RIGHT_FILES = {
    "one": LINE,
    "no new line at its end": LINE + LINE.strip(),
    "Windows": LINE.replace(b"\n", b"\r\n"),
    "a thousand": LINE * 1000,
    "a text": b'{"request": "a,b\\n1,2", "content_type": "text/csv; charset=utf-8", "answer": "3\\n"}\n',
    "nothing": b'{"request": null, "answer": null}\n',
    "half a pair": b'{"request": "\\ud800", "answer": "\\ud800"}\n',
    "nearly deep": b'{"request": ' + b"[" * 48 + b"]" * 48 + b', "answer": 1}\n',
    "large and small": b'{"request": 1e-999, "answer": [1e300, -12345678901234567890]}\n',
}


def judge_both(tmp_path, said, content=LINE):
    """Return whether the control plane takes a package with that `golden` and file, and whether the host does."""
    folder = tmp_path / "package"
    (folder / "folder").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"")
    (folder / "folder" / "other.jsonl").write_bytes(LINE)
    (folder / "golden.jsonl").write_bytes(content)
    manifest = {"schema": 1, "runtime": "onnx", "model": "model.onnx", "golden": said}
    (folder / "model-package.json").write_text(json.dumps(manifest))
    return _control_plane(folder, tmp_path), _host(folder)


def _control_plane(folder, tmp_path):
    try:
        build_package(folder, tmp_path / "package.tar.gz")
    except errors.ArchiveError as error:
        return not str(error).startswith("model-package.json: golden")
    return True


def _host(folder):
    try:
        list(golden_examples.find(str(folder)).read())
    except HostError as error:
        return error.cause != "artifact" or not error.message.startswith("the package's golden")
    return True


@pytest.mark.parametrize("said", WRONG_MANIFESTS, ids=range(len(WRONG_MANIFESTS)))
def test_both_refuse_a_manifest_that_says_something_else(tmp_path, said):
    """Each error names the field."""
    assert (False, False) == judge_both(tmp_path, said)


@pytest.mark.parametrize("said", RIGHT_MANIFESTS, ids=range(len(RIGHT_MANIFESTS)))
def test_both_take_a_manifest_that_is_fine(tmp_path, said):
    """File and tolerance have a default."""
    assert (True, True) == judge_both(tmp_path, said)


@pytest.mark.parametrize("name", WRONG_FILES)
def test_both_refuse_a_file_that_cannot_be_asked(tmp_path, name):
    """Each error names the line, if it is one."""
    assert (False, False) == judge_both(tmp_path, FILE, WRONG_FILES[name])


@pytest.mark.parametrize("name", RIGHT_FILES)
def test_both_take_a_file_that_can_be_asked(tmp_path, name):
    """With the limits themselves."""
    assert (True, True) == judge_both(tmp_path, FILE, RIGHT_FILES[name])


def test_the_limits_are_the_same():
    """What one takes, the other asks."""
    for name in (
        "DEFAULT_FILE",
        "DEFAULT_TOLERANCE",
        "MOST_BYTES",
        "MOST_EXAMPLES",
        "MOST_FIELDS",
        "LONGEST_LINE",
        "DEEPEST",
    ):
        assert getattr(golden, name) == getattr(golden_examples, name)
