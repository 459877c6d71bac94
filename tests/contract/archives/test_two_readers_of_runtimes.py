"""Contract: the agent and the host judge a row of `runtimes.yml` alike, and what both take is one runtime."""

from __future__ import annotations

import pytest
import yaml
from mgmt_host.content import runtime_rows as host_rows
from mgmt_host.failures import HostError

from mgmt_ansible import errors
from mgmt_ansible.domain import runtime_rows
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.runtime_rows import RuntimeRow
from mgmt_ansible.settings.runtime_rows import read_runtime_rows

START = ["scorer", "--model", "{model}", "--port", "{port}"]
FINE = {"start": START, "health_path": "/health"}

NAMES = ["", "Scorer", "1scorer", "scorer-2", "a" * 33, "scorer\n", "\u00e9", "../x", *Runtime]
WRONG = [
    {},
    {"start": START},
    {"health_path": "/health"},
    {**FINE, "says": ["start"]},
    *({**FINE, "start": start} for start in ("scorer", [], None, [1], [""], ["-c"], ["sh -c x"], ["../x"], ["a/b"])),
    *({**FINE, "start": start} for start in (["scorer", "a\0b"], ["scorer", "\ud800"], ["scorer"] * 257)),
    *({**FINE, "start": ["scorer", word]} for word in ("{host}", "{target_type}", "{port.x}{label}", "x" * 4097)),
    *({**FINE, "start": [word]} for word in ("/", "//x", "/a/../b", "/a/./b", "{package}", "{port}", "/a b", "/a\n")),
    *({**FINE, "health_path": path} for path in ("health", "/a b", "/{port}", "http://h/", 1, None, "/\u00e9")),
    *({**FINE, "predict_path": path} for path in ("predict", "/a\r\nX: y", ["/p"])),
    *({**FINE, "metrics_path": path} for path in ("m", "/#")),
    *({**FINE, "says": says} for says in ("arguments", ["shell"], ["environment"], [1], None)),
    *({**FINE, "requirements": needs} for needs in ("numpy", ["-r x"], ["./x"], ["a @ http://x"], [""], ["a"] * 101)),
    *({**FINE, "model_name": name} for name in ("a/b", ".", "..", "a\n", 1, "x" * 201)),
    *({**FINE, "requirements_beside": name} for name in ("../x", "/etc/passwd", "..")),
    *({**FINE, "environment": pairs} for pairs in ({"a b": "x"}, {"": "x"}, {"A": 1}, {"A": "a\0"}, ["A"], "A=1")),
    *({**FINE, "environment": {name: "x"}} for name in ("MGMT_ANSIBLE_SLOT", "1A", "A=B", "A\n")),
    *({**FINE, "broken_status": status} for status in (200, 399, 600, -1, "513", True, 513.0)),
    {**FINE, "ours": True},
    {**FINE, "image": "x"},
    {**FINE, "name": "onnx"},
    [],
    "scorer",
    None,
]
RIGHT = [
    FINE,
    {"says": ["start", "health_path"]},
    {**FINE, "start": ["/opt/scorer/bin/scorer", "{model_folder}", "{address}:{port}", "{deployment_id}", "{1}", ""]},
    {**FINE, "start": ["{python}", "-m", "scorer"], "requirements": ["scorer>=1.2; python_version > '3.8'"]},
    {**FINE, "start": ["{package}/bin/run"], "says": ["arguments", "requirements", "predict_path", "metrics_path"]},
    {**FINE, "start": ["scorer", "{target_type}"], "says": ["target_type"], "broken_status": 513},
    {**FINE, "predict_path": "/v1/{deployment_id}", "metrics_path": "/metrics?x=1", "model_name": "model.bin"},
    {**FINE, "environment": {"SCORER_THREADS": "2", "_x": "{{ y }}"}, "requirements_beside": "needs.txt"},
]


def judge_agent(tmp_path, name, row):
    """Return the row that the agent reads, or None when it refuses it."""
    (tmp_path / "runtimes.yml").write_text(yaml.safe_dump({name: row}, allow_unicode=False))
    try:
        (read,) = read_runtime_rows(tmp_path, "environments/0/content_path")
    except errors.ConfigError as error:
        return None if str(error).startswith(f"environments/0/content_path: {tmp_path}") else error
    return read


def judge_host(name, row):
    """Return the runtime that the host makes of it, or None when it refuses it."""
    sent = {**row, "name": row.get("name", name)} if isinstance(row, dict) else row
    if isinstance(sent, dict) and isinstance(sent.get("environment"), dict):
        sent["environment"] = [list(pair) for pair in sent["environment"].items()]
    try:
        return host_rows.parse(name, sent)
    except HostError as error:
        return None if error.cause == "playbook_error" else error


@pytest.mark.parametrize("row", WRONG, ids=range(len(WRONG)))
def test_both_refuse_what_is_no_row(tmp_path, row):
    """A command is a list, a path is a path, and no key is there that a row of ours does not have."""
    assert (None, None) == (judge_agent(tmp_path, "scorer", row), judge_host("scorer", row))


@pytest.mark.parametrize("name", NAMES)
def test_both_refuse_a_name_that_is_none_or_ours(tmp_path, name):
    """Nobody changes what `onnx` means."""
    assert (None, None) == (judge_agent(tmp_path, str(name), FINE), judge_host(str(name), FINE))


@pytest.mark.parametrize("row", RIGHT, ids=range(len(RIGHT)))
def test_what_both_take_is_the_same_runtime(tmp_path, row):
    """As the agent sends it, so the host has it."""
    read = judge_agent(tmp_path, "scorer", row)
    made = host_rows.parse("scorer", read.to_event())

    assert judge_host("scorer", row) == made
    assert ("scorer", tuple(row.get("start", ())), False) == (made.name, made.start, made.ours)
    assert set(row.get("says", ())) == set(made.says)


def test_a_row_goes_to_the_host_without_its_role(tmp_path):
    """That is the agent's own affair."""
    (tmp_path / "roles" / "scorer").mkdir(parents=True)

    assert "role" not in judge_agent(tmp_path, "scorer", {**FINE, "role": "scorer"}).to_event()
    assert host_rows._KEYS == set(RuntimeRow.__dataclass_fields__) - {"role"}


def test_the_lists_are_the_same():
    """What one knows, the other does."""
    for name in ("SAYS", "PLACEHOLDERS", "MOST_WORDS", "LONGEST_WORD", "MOST_REQUIREMENTS"):
        assert getattr(runtime_rows, name) == getattr(host_rows, name)
    assert set(Runtime) == host_rows.RESERVED
