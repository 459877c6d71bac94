"""Next steps: every cause has one, and every command is one of this program."""

from __future__ import annotations

import shlex

import pytest
import typer

from mgmt_ansible.cli.program import app
from mgmt_ansible.domain.next_steps import next_step
from mgmt_ansible.domain.outcomes import Cause


def parse(line: str) -> dict[str, object]:
    """Return what the program understands of a command line; its own usage errors come out."""
    program, *words = shlex.split(line)
    assert "mgmt-ansible" == program
    command, context = typer.main.get_command(app), None
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, words, resilient_parsing=False)
    return context.params


@pytest.mark.parametrize("deployment", ["wine", None])
@pytest.mark.parametrize("cause", Cause)
def test_every_command_is_understood_by_the_program(cause, deployment, tmp_path, monkeypatch):
    """Verb, arguments and options exist, with and without a deployment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()

    step = next_step(cause, environment="e1", deployment=deployment, host="web1")

    assert {} != parse(step.command)


@pytest.mark.parametrize("cause", Cause)
def test_every_sentence_is_one(cause):
    """It says what to do, and ends."""
    sentence = next_step(cause, environment="e1").sentence

    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_a_connection_is_checked_on_the_host_that_failed():
    """Names are put in, and quoted where a shell needs it."""
    step = next_step(Cause.AUTH, environment="my site", host="web1")

    assert "mgmt-ansible host check 'my site' web1" == step.command


def test_without_a_deployment_the_environment_is_looked_at():
    """A status check of everything belongs to no single deployment."""
    assert "mgmt-ansible environment status e1 --wait" == next_step(Cause.NOT_READY, environment="e1").command
