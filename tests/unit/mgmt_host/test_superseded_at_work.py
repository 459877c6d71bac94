"""Somebody newer comes while an action is at work: it is read again before each step that cannot be taken back."""

from __future__ import annotations

import errno

import pytest
from mgmt_host import fence
from mgmt_host.actions import launching, operations, stopping
from mgmt_host.machine import durable_files
from mgmt_host.proving import gates
from mgmt_host.running import slots

NEWER = {"schema": 1, "generation": 99, "attempt": 1, "holder": None, "canceled": False}


@pytest.fixture
def newer_after(host, monkeypatch):
    """Return a function that lets a newer pair come right after a function of a module was called."""

    def arrange(module, name):
        work = getattr(module, name)

        def then_newer(*arguments):
            answer = work(*arguments)
            durable_files.write_json(host.own().fence, NEWER)
            return answer

        monkeypatch.setattr(module, name, then_newer)

    return arrange


def live(host):
    slot = slots.find_live(host.own())
    return slot and gates.prove_identity(slot)


@pytest.mark.parametrize("action", ["deployment_replace_model", "deployment_relaunch"])
@pytest.mark.parametrize(
    ("module", "name"),
    [(stopping, "sweep"), (launching, "install"), (gates, "wait_loaded")],
    ids=["swept", "installed", "loaded"],
)
def test_the_old_model_is_not_touched_by_who_is_outdated(host, newer_after, action, module, name):
    """Before the candidate starts, before it loads beside, and right before the old one would be stopped."""
    host.act("deployment_launch", 1, host.package(2.0))
    before = live(host)
    newer_after(module, name)

    result = host.act(action, 2, host.package(5.0))

    assert ("superseded", {"generation": 99, "attempt": 1}) == (result["outcome"], result["fence"])
    assert before == live(host)
    assert 1 == sum(slot.running for slot in slots.list_slots(host.own()))


@pytest.mark.parametrize(("module", "name"), [(stopping, "sweep"), (gates, "pass_all")], ids=["swept", "gated"])
def test_a_launch_that_is_outdated_leaves_nothing(host, newer_after, module, name):
    """Neither before its start, nor after its gate."""
    newer_after(module, name)

    result = host.act("deployment_launch", 1, host.package())

    assert "superseded" == result["outcome"]
    assert not any(slot.running for slot in slots.list_slots(host.own()))


def test_a_stop_that_is_outdated_stops_nothing(host, newer_after):
    """The newer action may have brought what serves."""
    host.act("deployment_launch", 1, host.package())
    before = live(host)
    newer_after(stopping, "sweep")

    assert "superseded" == host.act("deployment_stop", 2)["outcome"]
    assert before == live(host)


def test_the_fence_stays_the_newer_ones(host, newer_after):
    """Nor does the outdated one keep a result."""
    newer_after(stopping, "sweep")

    host.act("deployment_launch", 1, host.package())

    assert (99, 1) == fence.read(host.own()).pair


def test_a_read_only_disk_is_a_disk(host):
    """As when Ansible itself meets one."""
    assert "disk" == operations.from_os_error(OSError(errno.EROFS, "Read-only file system"), host.base_dir).cause
