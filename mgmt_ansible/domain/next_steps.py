"""Next steps: what a person does about a cause, and the command to type."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from mgmt_ansible.domain.outcomes import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One step.

    Attributes:
        sentence: Imperative; what must be true before, or what to look at.
        command: For a shell: every name in it is quoted; a capital word stands for what only the person knows.
    """

    sentence: str
    command: str


_CHECK = "host check ENVIRONMENT HOST"
_TRUST = "host trust ENVIRONMENT HOST"
_HOSTS = "host list --environment ENVIRONMENT"
_ADD = "package add FOLDER --name NAME --version VERSION"
_RUNS = "run list --deployment DEPLOYMENT"
_RELAUNCH = "deployment relaunch DEPLOYMENT --wait"
_RELAUNCH_LONGER = "deployment relaunch DEPLOYMENT --timeout 1800 --wait"
_LOOK = "deployment status DEPLOYMENT --wait"
_LOOK_AT_ALL = "environment status ENVIRONMENT --wait"

_STEPS: Mapping[Cause, tuple[str, str]] = {
    Cause.NO_HOSTS: (
        "Correct the inventory or the pattern in the agent's configuration, then see which hosts match.",
        _HOSTS,
    ),
    Cause.UNREACHABLE: ("Find out which step on the way to the host does not answer.", _CHECK),
    Cause.AUTH: (
        "Put the agent's key on the host, or name the right key and user in the inventory, then check.",
        _CHECK,
    ),
    Cause.HOST_KEY: (
        "Compare the key with the host's own console, take an old one out of known_hosts where the agent runs, then approve.",
        _TRUST,
    ),
    Cause.SUDO: (
        "Let the connecting user become the other one, or give the agent its become password file, then check.",
        _CHECK,
    ),
    Cause.PYTHON_MISSING: (
        "Install Python 3.8 or newer, or correct ansible_python_interpreter in the inventory, then check.",
        _CHECK,
    ),
    Cause.DISK: ("Free space in the file system that the evidence names, then check.", _CHECK),
    Cause.PORT_IN_USE: (
        "Stop the process that the evidence names, or move it to another port, then launch again.",
        _RELAUNCH,
    ),
    Cause.ARTIFACT: ("Build the package anew and register it.", _ADD),
    Cause.SIGNATURE: ("Sign the package with a key that the environment trusts, and register it.", _ADD),
    Cause.DEPENDENCY: (
        "Let the host reach a package index, or give the agent a wheelhouse, then launch again.",
        _RELAUNCH,
    ),
    Cause.OOM_KILLED: ("Give the host more memory or the deployment a smaller model, then launch again.", _RELAUNCH),
    Cause.NOT_READY: (
        "Read the end of the server's log in the evidence, put right what it names, then launch again.",
        _RELAUNCH,
    ),
    Cause.WRONG_MODEL: (
        "Stop a process that the evidence names, then launch again: files that were changed are put right first.",
        _RELAUNCH,
    ),
    Cause.BAD_PREDICTION: (
        "Correct the model, or what its package expects of it, and register the package anew.",
        _ADD,
    ),
    Cause.TIMEOUT: ("See in the steps what took so long, then launch again with more time.", _RELAUNCH_LONGER),
    Cause.CANCELED: ("Launch again if it shall be done after all.", _RELAUNCH),
    Cause.PLAYBOOK_ERROR: (
        "Read what Ansible said, correct the playbook or role that the evidence names, then try again.",
        _RUNS,
    ),
    Cause.UNKNOWN: ("Look at what is true on the hosts; nothing is changed by looking.", _LOOK),
}
"""Cause -> sentence and command; a test holds it to the closed set, and each command to the program."""


def next_step(
    cause: Cause,
    *,
    environment: str,
    deployment: str | None = None,
    host: str | None = None,
    old_model_in_use: bool = False,
) -> NextStep:
    """Return what to do about a cause.

    Args:
        cause: Of a host's outcome, or of an action's.
        environment: Id or name.
        deployment: Id; None where an action is about the whole environment.
        host: Inventory name; None where no single host is meant.
        old_model_in_use: A replacement failed and the old model serves: to launch again would only bring that back.
    """
    sentence, command = _STEPS[cause]
    if old_model_in_use:
        sentence = sentence.replace("launch again", "replace again").replace("Launch again", "Replace again")
        command = command.replace("deployment relaunch DEPLOYMENT", "deployment replace DEPLOYMENT --package PACKAGE")
    if deployment is None and "DEPLOYMENT" in command:
        command = _LOOK_AT_ALL
    known = {"ENVIRONMENT": environment, "DEPLOYMENT": deployment, "HOST": host}
    words = [known.get(word) or word for word in command.split()]
    return NextStep(sentence=sentence, command=shlex.join(("mgmt-ansible", *words)))
