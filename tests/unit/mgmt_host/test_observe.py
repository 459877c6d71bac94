"""Looking at deployments."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from mgmt_host.running import slots


def look(host, *wanted, action="environment_status"):
    """Return the result of a status action."""
    return host.act(action, 0, observe=list(wanted))


def wanted(package=None, deployment_id="d1"):
    """Return what the control plane expects of a deployment."""
    return {"id": deployment_id, "generation": 1, "digest": package and package[2]}


def test_a_serving_deployment_is_ok_with_its_identity(host):
    """Process, listener, readiness and digest."""
    package = host.package()
    identity = host.act("deployment_launch", 1, package)["identity"]
    seen = look(host, wanted(package))["observations"]

    assert [("ok", "running", 1, identity)] == [
        (one["outcome"], one["state"], one["fence_generation"], one["identity"]) for one in seen
    ]
    assert 0 < seen[0]["probe_seconds"] < 2.0


def test_another_model_is_a_wrong_model(host):
    """The digest is compared, not the name."""
    host.act("deployment_launch", 1, host.package(2.0))
    seen = look(host, wanted(host.package(3.0)))["observations"][0]

    assert ("failed", "wrong_model") == (seen["outcome"], seen["cause"])


def test_absent_and_unwanted_is_ok(host):
    """Nothing runs where nothing should."""
    seen = look(host, wanted())["observations"][0]

    assert ("ok", "absent") == (seen["outcome"], seen["state"])


def test_a_frozen_server_is_not_ready(host):
    """A process that lives but does not answer is failing, within seconds."""
    package = host.package()
    pid = host.act("deployment_launch", 1, package)["identity"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        result = look(host, wanted(package), action="deployment_status")
    finally:
        os.kill(pid, signal.SIGCONT)

    assert ("failed", "not_ready") == (result["outcome"], result["cause"])
    assert [None] == [one["probe_seconds"] for one in result["observations"]]


def test_a_dead_deployment_is_told_from_a_stopped_one(host):
    """The message says that it ran before."""
    package = host.package()
    host.act("deployment_launch", 1, package)
    slots.stop(slots.find(host.own(), "a"), 5.0)
    seen = look(host, wanted(package))["observations"][0]

    assert "relaunch it" in seen["message"]


def test_a_hundred_absent_deployments_are_one_look(host):
    """All of them, in their order."""
    seen = look(host, *[wanted(deployment_id=f"d{number}") for number in range(100)])["observations"]

    assert [f"d{number}" for number in range(100)] == [one["deployment_id"] for one in seen]


def test_a_hostile_id_is_unknown_not_a_path(host):
    """`..` never leaves the base directory."""
    assert "unknown" == look(host, wanted(deployment_id="../../etc"))["observations"][0]["outcome"]


def test_one_unreadable_deployment_does_not_hide_the_others(host):
    """It alone is unknown."""
    Path(host.own("d1").state).mkdir(parents=True)
    seen = look(host, wanted(), wanted(deployment_id="d2"))["observations"]

    assert ["unknown", "ok"] == [one["outcome"] for one in seen]


def test_a_hundred_talkative_failures_fit_one_answer(host, sleeper):
    """ansible-runner drops a result above 700,000 characters."""
    for number in range(100):
        folder = Path(host.own(f"d{number}").folder)
        folder.mkdir(parents=True)
        (folder / "fence.json").write_text('{"generation":1,"attempt":1}')
        (folder / "state.json").write_text('{"wanted":"running","stable_port":1}')
        slot = folder / "slots" / "a"
        slot.mkdir(parents=True)
        (slot / "slot.json").write_text(f'{{"port":1,"bind_address":"127.0.0.1","deployment_id":"d{number}"}}')
        mark = sleeper.to_json()
        (slot / "process.json").write_text(json.dumps({"supervisor": mark, "server": mark}))
        (slot / "server.log").write_text("\u4e16" * 9000)
    result = look(host, *[wanted(deployment_id=f"d{number}") for number in range(100)])

    assert {"not_ready"} == {one["cause"] for one in result["observations"]}
    assert all(one["evidence"][0]["text"] for one in result["observations"])
    assert len(json.dumps(result)) < 700_000
