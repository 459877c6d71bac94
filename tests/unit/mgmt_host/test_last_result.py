"""The kept result of the newest action, and the look that settles by it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from mgmt_host import fence, last_result
from mgmt_host.inputs import Inputs
from mgmt_host.machine import durable_files, processes


def settle(host, generation, attempt=1, wait_seconds=0.0):
    """Return the observation of a settling look at d1."""
    wanted = {"id": "d1", "generation": generation, "digest": None, "attempt": attempt, "wait_seconds": wait_seconds}
    return host.act("deployment_status", generation, observe=[wanted])["observations"][0]


def kept(host):
    """Return what lies on the disk."""
    return durable_files.read_json(host.own().result)


def leave_holder(host, mark, generation=1):
    """Let a process hold the fence of d1."""
    parameters = {"action": "deployment_stop", "deployment_id": "d1", "generation": generation, "attempt": 1}
    Path(host.own().folder).mkdir(parents=True, exist_ok=True)
    fence.write(host.own(), Inputs.from_parameters({**parameters, "base_dir": host.base_dir}), holder=mark)


def test_what_was_answered_is_what_is_kept(host):
    """The very value, pair and all."""
    result = host.act("deployment_launch", 1, host.package())

    assert ("changed", result) == (result["outcome"], kept(host))


def test_a_failed_launch_keeps_its_result(host):
    """It is part of the tombstone."""
    result = host.act("deployment_launch", 1, host.package(model=b"broken"))

    assert ("failed", result) == (result["outcome"], settle(host, 1)["result"])


def test_a_stop_keeps_its_result(host):
    """Nothing runs, and how that came is told."""
    host.act("deployment_launch", 1, host.package())
    result = host.act("deployment_stop", 2)

    assert result == settle(host, 2)["result"]


def test_a_superseded_action_keeps_nothing(host):
    """What the newer one left stays."""
    newer = host.act("deployment_stop", 2)
    assert "superseded" == host.act("deployment_launch", 1, host.package())["outcome"]

    assert newer == kept(host)


def test_check_mode_keeps_nothing(host):
    """A forecast is no result."""
    host.act("deployment_stop", 1, check=True)

    assert kept(host) is None


def test_a_result_of_another_pair_is_not_believed(host):
    """Somebody later may have changed what it tells of."""
    host.act("deployment_stop", 1)
    leave_holder(host, None, generation=2)

    assert settle(host, 1)["result"] is None


def test_a_plain_look_carries_no_result(host):
    """A hundred results would be too much for one answer."""
    host.act("deployment_stop", 1)

    assert settle(host, 1, attempt=0)["result"] is None


def test_a_refusing_disk_is_a_note_and_not_a_failure(host):
    """The work is done; the next look finds no result."""
    Path(host.own().result).mkdir(parents=True)
    result = host.act("deployment_stop", 1)

    assert ("ok", ["result_not_recorded"]) == (result["outcome"], result["notes"])
    assert "result.json is not believed" in settle(host, 1)["evidence"][0]["text"]


FORGED = {
    "truncated": lambda value: json.dumps(value)[:-9],
    "a list": lambda value: "[]",
    "deep": lambda value: "[" * 100_000,
    "huge": lambda value: json.dumps(dict(value, message="x" * last_result.LIMIT_BYTES)),
    "no outcome": lambda value: json.dumps({**value, "outcome": "fine"}),
    "superseded": lambda value: json.dumps({**value, "outcome": "superseded"}),
    "another schema": lambda value: json.dumps({**value, "schema": 2}),
    "a generation that is text": lambda value: json.dumps({**value, "generation": "1"}),
    "evidence that is text": lambda value: json.dumps({**value, "evidence": ["x"]}),
    "identity that is a list": lambda value: json.dumps({**value, "identity": []}),
    "bytes": lambda value: "\udcff",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_result_is_dropped_with_a_reason(host, forge):
    """A look never breaks on it."""
    value = host.act("deployment_stop", 1)
    Path(host.own().result).write_text(forge(value), errors="surrogateescape")
    seen = settle(host, 1)

    assert ("ok", None, "result") == (seen["outcome"], seen["result"], seen["evidence"][0]["kind"])


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/etc/passwd")], ids=["fifo", "link"])
def test_what_is_no_file_is_not_read(host, make):
    """Neither waited for nor followed."""
    host.act("deployment_stop", 1)
    Path(host.own().result).unlink()
    make(host.own().result)

    assert ("ok", None) == tuple(settle(host, 1)[key] for key in ("outcome", "result"))


def test_a_result_beyond_the_limit_is_kept_without_its_evidence(host):
    """The outcome matters more."""
    parameters = {"action": "deployment_stop", "deployment_id": "d1", "generation": 1, "attempt": 1}
    inputs = Inputs.from_parameters({**parameters, "base_dir": host.base_dir})
    value = host.act("deployment_stop", 1)
    last_result.keep(inputs, dict(value, evidence=[{"kind": "x", "text": "y" * last_result.LIMIT_BYTES}]), None)

    assert value == settle(host, 1)["result"]


def test_a_living_holder_is_told(host, sleeper):
    """Nothing is settled while it works."""
    leave_holder(host, sleeper)
    seen = settle(host, 1)

    assert (True, None) == (seen["working"], seen["result"])


def test_a_holder_is_waited_for(host, sleeper):
    """The look answers once it has ended, long before its limit."""
    leave_holder(host, sleeper)
    processes.stop(sleeper, 1.0)
    first = settle(host, 1, wait_seconds=60.0)

    assert first["working"] is False


def test_a_holder_that_ends_during_the_wait_is_settled(host, run_for):
    """Its end is noticed while the look waits."""
    leave_holder(host, run_for(1.0))

    assert settle(host, 1, wait_seconds=300.0)["working"] is False


def test_a_newer_holder_is_not_waited_for(host, sleeper):
    """It is another's work."""
    leave_holder(host, sleeper, generation=2)
    seen = settle(host, 1, wait_seconds=300.0)

    assert (True, 2) == (seen["working"], seen["fence_generation"])


def test_a_canceled_pair_is_told(host):
    """The fence's own mark."""
    host.act("deployment_cancel", 1)

    assert settle(host, 1)["canceled"] is True


def test_a_cancel_of_what_had_kept_its_result_leaves_it(host, sleeper):
    """Killed between result and release: the run had ended already."""
    result = host.act("deployment_stop", 1)
    processes.stop(sleeper, 1.0)
    leave_holder(host, sleeper)
    said = host.act("deployment_cancel", 1)
    seen = settle(host, 1)

    assert "the run had ended already" == said["message"]
    assert (False, result) == (seen["canceled"], seen["result"])


def test_the_same_pair_again_replaces_its_result(host):
    """The former one goes before the first change."""
    package = host.package()
    host.act("deployment_launch", 1, package)
    again = host.act("deployment_launch", 1, package)

    assert ("ok", again) == (again["outcome"], kept(host))
