"""`no_hosts`, `python_missing`, `disk`, `dependency`: what the host, or the inventory, lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mgmt_host.content import environments, runtimes

from mgmt_ansible.agent import judging
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.outcomes import Cause, Outcome
from tests.integration.causes.fault_site import FaultSite, assert_cause, said
from tests.integration.loopback_runs import make_spec

MEBIBYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two mebibytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("a tmpfs cannot be mounted: needs root and CAP_SYS_ADMIN")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def large_package(site: FaultSite, content: bytes) -> object:
    source = site.folder / "large"
    source.mkdir()
    (source / "model-package.json").write_text('{"schema": 1, "runtime": "onnx", "model": "model.onnx"}')
    (source / "model.onnx").write_bytes(content)
    return site.pack(source)


def test_an_inventory_without_hosts_is_no_hosts(site):
    """The pattern of the binding matches nobody: nothing is run, and that is a failure."""
    site.binding = replace(site.binding, pattern="all:!loopback")
    spec = make_spec(ActionType.DEPLOYMENT_STOP)

    plan, outcomes = site.perform(spec)

    assert ((), []) == (plan.hosts, outcomes)
    assert Cause.NO_HOSTS == judging.no_hosts(spec).cause


def test_a_playbook_for_other_hosts_is_no_hosts(site):
    """The user's own playbook names a group that this environment does not have."""
    site.use_content("deployment_launch", "- name: Theirs\n  hosts: elsewhere\n  gather_facts: false\n  tasks: []\n")

    assert_cause(site.launch(), Outcome.NOT_RUN, Cause.NO_HOSTS)


def test_a_play_for_nobody_beside_one_for_this_host_is_unknown(site):
    """Near miss: Ansible says that no hosts matched, of one play; the other one ran and told nothing."""
    site.use_content(
        "deployment_launch",
        "- name: For nobody\n  hosts: elsewhere\n  gather_facts: false\n  tasks: []\n"
        "- name: For all\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Touch\n      ansible.builtin.ping:\n",
    )

    assert_cause(site.launch(), Outcome.UNKNOWN, Cause.UNKNOWN)


def test_words_about_no_hosts_are_not_no_hosts(site):
    """Near miss: a task fails with Ansible's sentence."""
    site.use_tasks("    - name: Say\n      ansible.builtin.fail: {msg: no hosts matched}\n")

    assert_cause(site.launch(), Outcome.FAILED, Cause.PLAYBOOK_ERROR)


def test_an_interpreter_that_is_not_there_is_python_missing(site):
    """The inventory names a path that does not exist."""
    site.variables["ansible_python_interpreter"] = "/nonexistent/python3"

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.PYTHON_MISSING)
    assert "/nonexistent/python3: not found" in said(host, "task")


def test_another_programs_missing_python_is_not_ours(site):
    """Near miss: a script on the host wants a Python that it does not find."""
    site.use_tasks("    - name: Train\n      ansible.builtin.shell: {cmd: /nonexistent/python3 train.py}\n")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.PLAYBOOK_ERROR)
    assert "/nonexistent/python3: not found" in said(host, "task")


def test_a_package_that_does_not_fit_is_disk(site, small_disk):
    """Seen before anything is sent."""
    site.binding = replace(site.binding, base_dir=str(small_disk / "base"))
    site.lend_environment()

    host = site.launch(large_package(site, os.urandom(2 * MEBIBYTE)))

    assert_cause(host, Outcome.FAILED, Cause.DISK)
    assert str(small_disk) in said(host, "df")


def test_a_disk_that_fills_while_unpacking_is_disk(site, small_disk):
    """The archive is small, its content is not: the kernel says ENOSPC."""
    site.binding = replace(site.binding, base_dir=str(small_disk / "base"))
    site.lend_environment()

    host = site.launch(large_package(site, os.urandom(20_000) * 160))

    assert_cause(host, Outcome.FAILED, Cause.DISK)
    assert "[Errno 28]" in said(host, "errno")
    _, _, available, folder = said(host, "df").splitlines()[1].split()
    assert int(available) < 1024
    assert folder.startswith(str(small_disk))


def test_a_full_temporary_folder_of_ansible_is_disk(site, small_disk):
    """The package does not get as far as to our module."""
    site.variables["ansible_remote_tmp"] = str(small_disk)

    host = site.launch(large_package(site, os.urandom(3 * MEBIBYTE)))

    assert_cause(host, Outcome.FAILED, Cause.DISK)
    assert "No space left on device" in said(host, "task")


def test_another_programs_full_disk_is_not_ours(site):
    """Near miss: a log that is quoted speaks of a full disk and of its errno."""
    words = "backup: OSError: [Errno 28] No space left on device"
    site.use_tasks(f"    - name: Quote\n      ansible.builtin.shell: {{cmd: \"echo '{words}' >&2; exit 1\"}}\n")

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.PLAYBOOK_ERROR)
    assert words in said(host, "task")


def test_requirements_that_nobody_offers_are_dependency(site):
    """pip has no index; a folder named like an errno makes no full disk of it."""
    shutil.rmtree(Path(site.layout.path("environments", environments.key(runtimes.ONNX.requirements))))
    offer = site.folder / "ERROR: [Errno 28] No space left on device"
    offer.mkdir()
    site.binding = replace(site.binding, pip_arguments=("--no-index", "--find-links", str(offer)))

    host = site.launch()

    assert_cause(host, Outcome.FAILED, Cause.DEPENDENCY)
    assert "No matching distribution found" in said(host, "log_tail")


def test_another_programs_requirements_are_not_ours(site):
    """Near miss: a task of the playbook's author calls pip for something else."""
    words = "ERROR: No matching distribution found for numpy"
    site.use_tasks(f"    - name: Train\n      ansible.builtin.shell: {{cmd: \"echo '{words}' >&2; exit 1\"}}\n")

    assert_cause(site.launch(), Outcome.FAILED, Cause.PLAYBOOK_ERROR)
