"""`sudo`: a real sudo, asked by a user whom the sudoers file of this test knows."""

from __future__ import annotations

import pytest

from mgmt_ansible.domain.outcomes import Cause, Outcome
from tests.integration import real_sudo
from tests.integration.causes.fault_site import FaultSite, assert_cause, said

pytestmark = pytest.mark.skipif(
    not real_sudo.is_possible(), reason="needs root, sudo and a mount namespace: apt-get install sudo"
)


def become_by(site: FaultSite, rules: str, *, password: str | None = None) -> None:
    """Let the plays become another user under these rules."""
    site.variables.update(real_sudo.become_variables(site.folder, rules, password=password))


def test_a_password_that_is_wanted_and_not_known_is_sudo(site):
    """sudo wants one, the agent has none."""
    become_by(site, "nobody ALL=(ALL) ALL\n")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.SUDO)
    assert "Missing sudo password" in said(host, "task")


def test_a_wrong_password_is_sudo(site):
    """sudo says: sorry, try again."""
    become_by(site, "nobody ALL=(ALL) ALL\n", password="not it")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.SUDO)
    assert "Incorrect sudo password" in said(host, "task")


def test_a_user_whom_sudoers_does_not_know_is_sudo(site):
    """The sudoers file has no rule for the connecting user."""
    become_by(site, real_sudo.NO_PASSWORD)

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.SUDO)
    assert "nobody is not in the sudoers file" in said(host, "task")


def test_a_refusal_that_ansible_swallows_is_unknown(site):
    """sudo quotes the refused command, Ansible takes its own mark in it for success and drops the line: no proof is left."""
    become_by(site, real_sudo.NO_PASSWORD + "nobody ALL=(ALL) /bin/true\n")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.UNKNOWN)


def test_a_sudo_that_wants_a_terminal_is_sudo(site):
    """`requiretty`, as older distributions have it."""
    become_by(site, "Defaults requiretty\n" + real_sudo.NO_PASSWORD + "nobody ALL=(ALL) ALL\n")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.SUDO)
    assert "sudo: sorry, you must have a tty to run sudo" in said(host, "task")


def test_words_of_sudo_in_a_module_that_sudo_started_are_not_sudo(site):
    """Near miss: sudo does its work, and the program that it starts fails with sudo's words."""
    become_by(site, real_sudo.NO_PASSWORD + "nobody ALL=(ALL) ALL\n")
    command = "echo 'sudo: a password is required' >&2; exit 1"
    site.use_tasks(f'    - name: Complain\n      ansible.builtin.raw: "{command}"\n', become=True)

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.PLAYBOOK_ERROR)
    assert "non-zero return code" in host.message
