"""Runs one after the other and at once: none sees another's variables."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mgmt_ansible.domain.runs import RunStatus
from tests.integration.loopback_runs import execute, make_content, make_request

pytestmark = pytest.mark.ssh

SHOW_VARIABLES = """
    - name: Say that this run is under way
      ansible.builtin.file: {path: "{{ folder }}/{{ me }}.begun", state: touch, mode: "0600"}
    - name: Leave a cached fact
      ansible.builtin.set_fact: {"fact_of_{{ me }}": CANARY, cacheable: true}
    - name: Leave variables beside the playbook
      ansible.builtin.file: {path: "{{ playbook_dir }}/group_vars", state: directory, mode: "0700"}
      delegate_to: localhost
    - name: Fill them
      ansible.builtin.copy:
        {content: "file_of_{{ me }}: CANARY", dest: "{{ playbook_dir }}/group_vars/all.yml", mode: "0600"}
      delegate_to: localhost
    - name: Wait for the other run
      ansible.builtin.wait_for: {path: "{{ folder }}/{{ waits_for }}.begun", timeout: 60}
      when: waits_for | length > 0
    - name: Show what is known
      ansible.builtin.copy:
        content: >-
          {{ {'names': query('varnames', '.*'), 'host': hostvars[inventory_hostname].keys() | list,
              'event': mgmt_event, 'folder': playbook_dir, 'extra': lookup('file', playbook_dir ~ '/../env/extravars')} | to_json }}
        dest: "{{ folder }}/{{ me }}.json"
        mode: "0600"
"""


def show(binding, folder: Path, me: str, *, waits_for: str = "") -> dict[str, object]:
    """Execute a run of a user's playbook that leaves what it can, and return what it knew."""
    request = make_request(
        run_id=me.encode().hex().ljust(24, "0"),
        variables={
            "mgmt_event": {"schema": 1, "run": me},
            f"variable_of_{me}": "CANARY",
            "me": me,
            "waits_for": waits_for,
            "folder": str(folder),
        },
    )
    outcome = execute(binding, request)
    assert RunStatus.SUCCESSFUL == outcome.status, outcome.log_tail
    return json.loads((folder / f"{me}.json").read_text())


@pytest.fixture
def with_playbook(binding, tmp_path):
    """The environment with that playbook in the user's own content path."""
    return replace(binding, content_path=str(make_content(tmp_path / "content", SHOW_VARIABLES)))


def prove_apart(one: dict[str, object], me: str, other: str) -> None:
    """Nothing of the other run is known, by any name; what is our own is, or the look would prove nothing."""
    assert {"schema": 1, "run": me} == one["event"]
    assert f"variable_of_{me}" in one["names"]
    assert f"fact_of_{me}" in one["host"]
    assert f"_of_{other}" not in json.dumps(one)


def test_a_run_sees_nothing_of_the_one_before(with_playbook, tmp_path):
    """Extra variables, cached facts and files beside the playbook go with the private directory."""
    first = show(with_playbook, tmp_path, "first")
    second = show(with_playbook, tmp_path, "second")

    prove_apart(second, "second", "first")
    assert first["folder"] != second["folder"]
    assert [False, False] == [Path(str(one["folder"])).exists() for one in (first, second)]


def test_runs_at_once_see_nothing_of_each_other(with_playbook, tmp_path):
    """Each waits until the other has begun, and looks then."""
    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(show, with_playbook, tmp_path, "left", waits_for="right")
        right = pool.submit(show, with_playbook, tmp_path, "right", waits_for="left")
        prove_apart(left.result(), "left", "right")
        prove_apart(right.result(), "right", "left")
