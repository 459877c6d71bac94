"""`mgmt-ansible audit`: heads that are kept, exports looked at here."""

from __future__ import annotations

import json

import pytest

from mgmt_ansible.wire import audit as shapes
from tests.unit.cli.terminal import by_path, open_terminal
from tests.unit.domain.test_audit import chain

WHOLE = {"whole": True, "entries": 3, "headSequence": 3, "headHash": "a" * 64, "brokenAt": None, "reason": ""}
BROKEN = {**WHOLE, "whole": False, "brokenAt": 2, "reason": "entry 2 was edited"}


def verification(answer: dict):
    return by_path({"GET auditEntries/verification/": answer})


def test_a_checkpoint_is_compared_and_moved_on(monkeypatch, tmp_path):
    """The first time it is only written."""
    file = tmp_path / "audit.json"
    terminal = open_terminal(monkeypatch, verification(WHOLE))

    assert 0 == terminal.run("audit", "verify", "--checkpoint", str(file)).exit_code
    assert {"sequence": 3, "hash": "a" * 64} == json.loads(file.read_text())
    assert 0 == terminal.run("audit", "verify", "--checkpoint", str(file)).exit_code
    assert "head=" not in terminal.adapter.requests[0].path_url
    assert f"head={'a' * 64}&sequence=3" in terminal.adapter.requests[1].path_url


def test_a_broken_chain_is_told_and_the_checkpoint_stays(monkeypatch, tmp_path):
    """Exit code 1, with the number of the entry."""
    file = tmp_path / "audit.json"
    file.write_text('{"sequence": 1, "hash": "b"}')

    done = open_terminal(monkeypatch, verification(BROKEN)).run("audit", "verify", "--checkpoint", str(file))

    assert (1, "audit: BROKEN at entry 2: entry 2 was edited\n") == (done.exit_code, done.output)
    assert {"sequence": 1, "hash": "b"} == json.loads(file.read_text())


@pytest.mark.parametrize("content", ["", "[]", '{"sequence": "x", "hash": 1}', "\x00"])
def test_a_file_that_is_no_checkpoint_is_named(monkeypatch, tmp_path, content):
    """A usage error."""
    (tmp_path / "odd").write_text(content)

    done = open_terminal(monkeypatch, verification(WHOLE)).run("audit", "verify", "--checkpoint", str(tmp_path / "odd"))

    assert (2, True) == (done.exit_code, "odd" in done.stderr)


def test_an_export_is_looked_at_without_the_control_plane(monkeypatch, tmp_path):
    """Edited or cut: a head tells."""
    file, entries = tmp_path / "audit.jsonl", chain()
    file.write_text("".join(shapes.written(entries)))
    terminal = open_terminal(monkeypatch, by_path({}))

    assert 0 == terminal.run("audit", "verify", "--file", str(file), "--head", entries[2].hash).exit_code
    file.write_text("".join(shapes.written(entries[:2])))
    assert 1 == terminal.run("audit", "verify", "--file", str(file), "--head", entries[2].hash).exit_code
    file.write_text("".join(shapes.written(entries)).replace("ann", "eve", 1))
    assert "BROKEN at entry 1" in terminal.run("audit", "verify", "--file", str(file)).output
    assert [] == terminal.asked


@pytest.mark.parametrize("line", ["{}", "no json", '{"sequence": 1e400}', '{"sequence": null}'])
def test_a_line_that_is_no_entry_is_named(monkeypatch, tmp_path, line):
    """A usage error, with the number of the line."""
    file = tmp_path / "audit.jsonl"
    file.write_text("".join(shapes.written(chain(1))) + line)

    done = open_terminal(monkeypatch, by_path({})).run("audit", "verify", "--file", str(file))

    assert (2, True) == (done.exit_code, "line 2" in done.stderr)


def test_entries_are_a_table(monkeypatch):
    """Newest first, as the API says them."""
    (entry,) = chain(1)
    page = {"count": 1, "totalCount": 1, "older": None, "data": [json.loads(next(shapes.written([entry])))]}

    done = open_terminal(monkeypatch, by_path({"GET auditEntries/": page})).run("audit", "list", "--since", "7d")

    assert "user u1" in done.output.splitlines()[1]


def test_an_export_that_breaks_off_leaves_no_file(monkeypatch, tmp_path):
    """Half a chain would look like one whose newest entries were cut off."""
    file = tmp_path / "audit.jsonl"
    away = (503, {"code": "store_unavailable", "message": "m", "requestId": "r"})
    terminal = open_terminal(monkeypatch, by_path({"GET auditEntries/export/": away}))

    assert 5 == terminal.run("audit", "export", str(file)).exit_code
    assert [] == list(tmp_path.iterdir())
