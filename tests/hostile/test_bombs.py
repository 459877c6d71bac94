"""YAML and JSON that are small and become large, deep, or two things at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.archives import read_package
from mgmt_ansible.domain.outcomes import RESULT_KEY
from mgmt_ansible.execution.inventories import groups_of_hosts, listed_hosts
from mgmt_ansible.parsing.results import parse_result
from mgmt_ansible.settings.agent import load_agent_settings
from mgmt_ansible.settings.reading import read_yaml
from mgmt_ansible.wire import agent_v1
from tests.contract.archives.test_two_extractors import tar_of

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "aliases"),
        (DEEP, "cannot be read"),
        ("a: 1\nb: 2\na: 3\n", "'a' is there twice"),
        ("x: " + "y" * 1_100_000, "larger than"),
        ("!!python/object/apply:os.system [true]", "cannot be read"),
        ("a: !!python/name:os.system x", "cannot be read"),
        ("? [a]\n: b", "cannot be read"),
        ("a: &a [*a]\n" * 2, "cannot be read"),
        ("\x00", "cannot be read"),
        ("- a", "mapping of setting to value"),
        ("a: b\n---\nc: d\n", "cannot be read"),
    ],
    ids=["laughs", "deep", "twice", "large", "python", "name", "list as key", "itself", "control", "list", "documents"],
)
def test_a_settings_file_that_is_a_bomb_is_refused(tmp_path: Path, text: str, said: str):
    """With the path of the file, and at once."""
    path = tmp_path / "agent.yaml"
    path.write_text(text)

    with pytest.raises(errors.ConfigError, match=said):
        read_yaml(path)
    with pytest.raises(errors.ConfigError):
        load_agent_settings(path)


def test_a_few_aliases_are_welcome(tmp_path: Path):
    """People share values, and merge keys."""
    path = tmp_path / "agent.yaml"
    path.write_text("x: &x {a: 1}\ny: *x\nz: {<<: *x, b: 2}\n")

    assert {"x": {"a": 1}, "y": {"a": 1}, "z": {"a": 1, "b": 2}} == read_yaml(path)


@pytest.mark.parametrize(
    "manifest",
    [
        b'{"schema": 1, "runtime": "onnx", "model": "m", "x": ' + DEEP.encode(),
        b'{"schema": 1, "runtime": "onnx", "model": "m", "model": "n"}',
        b'{"schema": 1, "runtime": "onnx", "model": "m", "x": NaN}',
        b'{"schema": 1, "runtime": "onnx", "model": "m", "x": -Infinity}',
        b'{"schema": 1, "runtime": "onnx", "model": "m", "x": ' + b"9" * 5000 + b"}",
        b'{"schema": 1e999, "runtime": "onnx", "model": "m"}',
        b'{"schema": 1, "runtime": ["onnx"], "model": {"m": 1}}',
        b"\xff\xfe",
        b"null",
    ],
    ids=["deep", "twice", "nan", "infinite", "huge number", "float", "shapes", "bytes", "null"],
)
def test_a_manifest_that_is_a_bomb_is_refused(tmp_path: Path, manifest: bytes):
    """By the reader, before anything is stored."""
    path = tmp_path / "package.tar.gz"
    path.write_bytes(tar_of([("model-package.json", manifest), ("m", b"x"), ("n", b"x")]))

    with pytest.raises(errors.ArchiveError, match=r"model-package\.json"):
        read_package(path)


@pytest.mark.parametrize("body", [DEEP.encode(), b'{"reports": ' + DEEP.encode(), b'{"attempt": ' + DEEP.encode()])
def test_a_body_of_agents_that_is_a_bomb_is_refused(body: bytes):
    """By its shape, never by a crash."""
    for adapter in (agent_v1.HEARTBEAT, agent_v1.REPORT_BATCH, agent_v1.CLAIM, agent_v1.HELLO):
        with pytest.raises(errors.InvalidRequestError):
            agent_v1.parse_json(adapter, body)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999", b"9" * 5000, b"-0.5"])
def test_a_number_that_is_no_attempt_is_refused(number: bytes):
    """Attempts are whole and of ordinary size."""
    with pytest.raises(errors.InvalidRequestError):
        agent_v1.parse_json(agent_v1.HEARTBEAT, b'{"attempt": ' + number + b"}")


def nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        nested(100_000),
        {"schema": 1, "evidence": nested(100_000)},
        float("nan"),
        {"schema": float("inf")},
        "x" * 2_000_000,
    ],
    ids=["deep", "deep evidence", "nan", "infinite", "long"],
)
def test_a_result_of_a_hostile_host_is_no_result(value: object):
    """It becomes an outcome that is unknown, not a crash of the agent."""
    with pytest.raises(errors.ParseError):
        parse_result("h1", {RESULT_KEY: value})


def test_an_inventory_of_shared_groups_is_read_in_one_pass():
    """Forty levels of two children each are 2^40 ways down."""
    groups = {f"g{level}": {"children": [f"g{level + 1}", f"h{level + 1}"]} for level in range(40)}
    groups |= {f"h{level}": {"children": [f"g{level + 1}", f"h{level + 1}"]} for level in range(40)}
    groups["g40"] = {"hosts": ["web1"]}

    assert 81 == len(groups_of_hosts(json.dumps(groups))["web1"])


@pytest.mark.parametrize("text", [DEEP, "[]", '{"a": ', "null"])
def test_an_inventory_that_is_no_inventory_is_refused(text: str):
    """A script may print anything."""
    with pytest.raises(errors.InventoryError):
        groups_of_hosts(text)


@pytest.mark.parametrize("text", ["", "hosts (2):\n  web1\n", "hosts (x):\n", "hosts (1):\n  a\n  b\n"])
def test_a_list_of_hosts_that_does_not_add_up_is_refused(text: str):
    """A name with a newline would be two."""
    with pytest.raises(errors.InventoryError):
        listed_hosts(text)
