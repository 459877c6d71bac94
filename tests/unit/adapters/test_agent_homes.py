"""The data directory as an agent's home: a name that stays, one process at a time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mgmt_ansible import errors
from mgmt_ansible.adapters.agent_homes import agent_home

HOLD = """
import sys
from pathlib import Path
from mgmt_ansible.adapters.agent_homes import agent_home
with agent_home(Path(sys.argv[1])) as agent_id:
    print(agent_id, flush=True)
    sys.stdin.read()
"""


def test_an_agent_is_the_same_after_a_restart(tmp_path):
    """What it held before can be taken over at once."""
    with agent_home(tmp_path / "data") as first:
        pass
    with agent_home(tmp_path / "data") as second:
        pass

    assert 24 == len(first)
    assert first == second


def test_two_data_directories_are_two_agents(tmp_path):
    """Nobody takes over what another one still does."""
    with agent_home(tmp_path / "one") as one, agent_home(tmp_path / "two") as two:
        assert one != two


def test_a_second_process_is_refused_until_the_first_one_is_dead(tmp_path):
    """The kernel's lock ends with the process, also when it is killed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        told = holder.stdout.readline().strip()
        with (
            pytest.raises(errors.ConfigError, match=rf"data_dir: .* is in use by another agent, pid {holder.pid}"),
            agent_home(tmp_path),
        ):
            pass
        holder.kill()
        holder.wait()

    with agent_home(tmp_path) as agent_id:
        assert told == agent_id


@pytest.mark.parametrize("text", ["", "{", "[]", '{"agent_id": 7}', '{"agent_id": "../../etc"}'])
def test_a_damaged_name_is_made_anew(tmp_path, text):
    """Its former claims expire by themselves then."""
    (tmp_path / "agent.json").write_text(text)

    with agent_home(tmp_path) as agent_id:
        assert {"agent_id": agent_id} == json.loads((tmp_path / "agent.json").read_text())


def test_a_directory_that_cannot_be_is_a_matter_of_settings(tmp_path):
    """The setting is named."""
    (tmp_path / "file").touch()

    with pytest.raises(errors.ConfigError, match="data_dir"), agent_home(tmp_path / "file" / "data"):
        pass


def test_children_do_not_keep_the_lock(tmp_path):
    """A run's orphan does not keep a restarted agent out."""
    with agent_home(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        with agent_home(tmp_path) as again:
            assert 24 == len(again)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode is not None
