"""What an action does about a killed predecessor, a refusing disk and its own failure."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mgmt_host.machine import durable_files
from mgmt_host.running import slots


def test_a_retry_records_what_a_killed_attempt_made_serve(host):
    """Killed between switch and record: the next attempt is ok, and state.json names what serves."""
    package = host.package(5.0)
    host.act("deployment_launch", 1, host.package(2.0))
    before = Path(host.own().state).read_bytes()
    served = host.act("deployment_replace_model", 2, package)["identity"]
    Path(host.own().state).write_bytes(before)
    result = host.act("deployment_replace_model", 2, package, attempt=2)

    assert ("ok", served) == (result["outcome"], durable_files.read_json(host.own().state)["identity"])


def test_a_failed_relaunch_after_a_stop_forgets_nothing(host):
    """The stable port and the releases stay."""
    port = host.act("deployment_launch", 1, host.package())["identity"]["port"]
    host.act("deployment_stop", 2)
    result = host.act("deployment_relaunch", 3, host.package(model=b"broken"))

    assert ("failed", port) == (result["outcome"], durable_files.read_json(host.own().state)["stable_port"])
    assert Path(host.own().release(1)).is_dir()


def test_a_failed_replacement_of_a_crashed_model_leaves_its_slot(host):
    """The recorded slot still holds what was recorded, for the next boot."""
    host.act("deployment_launch", 1, host.package())
    recorded = slots.find(host.own(), "a")
    slots.stop(recorded, 5.0)
    host.act("deployment_replace_model", 2, host.package(model=b"broken"))

    assert 1 == recorded.config["generation"]


def test_a_state_that_cannot_be_written_brings_the_old_model_back(host):
    """After the old model was stopped an error of the system is rolled back too."""
    host.act("deployment_launch", 1, host.package(2.0))
    Path(f"{host.own().state}.new").mkdir()
    result = host.act("deployment_replace_model", 2, host.package(5.0))

    assert ("rolled_back", True, 1) == (
        result["outcome"],
        result["old_model_in_use"],
        result["identity"]["generation"],
    )


def test_an_effects_log_that_cannot_be_written_stops_nothing(host):
    """The work goes on and a note tells."""
    host.act("deployment_launch", 1, host.package(2.0))
    Path(host.own().effects).unlink()
    Path(host.own().effects).mkdir()
    result = host.act("deployment_replace_model", 2, host.package(5.0))

    assert ("changed", True) == (result["outcome"], "effects_incomplete" in result["notes"])


def test_a_deployment_that_cannot_be_read_still_gives_a_result(host):
    """The system's refusal is a failure of the contract, not a traceback."""
    Path(host.own().fence).mkdir(parents=True)

    assert ("failed", "unknown") == tuple(host.act("deployment_stop", 1)[key] for key in ("outcome", "cause"))


def test_a_fence_without_a_pair_still_gives_a_result(host):
    """A damaged file is named."""
    Path(host.own().folder).mkdir(parents=True)
    Path(host.own().fence).write_text('{"generation":"x"}')

    assert "fence.json is damaged" in host.act("deployment_stop", 1)["message"]


def test_a_failed_launch_logs_its_stop(host):
    """The effects tell what was taken back."""
    host.act("deployment_launch", 1, host.package(model=b"broken"))

    assert ["slot a stopped", "the deployment is forgotten but for its tombstone"] == host.effects()[-2:]


def test_a_replacement_logs_the_candidates_start_and_stop(host):
    """Started for the gate, stopped, started beside."""
    host.act("deployment_launch", 1, host.package(2.0))
    host.act("deployment_replace_model", 2, host.package(5.0))

    assert ["slot b stopped", "slot b started beside slot a"] == host.effects()[-3:-1]


def test_a_server_of_another_process_is_not_proved(host, sleeper):
    """The kernel's listener must be the recorded server."""
    host.act("deployment_launch", 1, host.package())
    slot = slots.find(host.own(), "a")
    said = slot.process
    path = str(Path(slot.folder) / "process.json")
    os.kill(slot.supervisor.pid, signal.SIGSTOP)
    durable_files.write_json(path, dict(said, server=sleeper.to_json()))
    again = host.act("deployment_status", 1, observe=[{"id": "d1", "generation": 1, "digest": slot.config["digest"]}])
    durable_files.write_json(path, said)
    os.kill(slot.supervisor.pid, signal.SIGCONT)

    assert ("failed", "wrong_model") == (again["outcome"], again["cause"])


def test_a_failing_attempt_brings_back_what_a_killed_one_had_stopped(host):
    """Killed in the middle of a switch, and then the new model fails for good: the old one serves again."""
    old = host.act("deployment_launch", 1, host.package(2.0))
    slots.stop(slots.find(host.own(), "a"), 5.0)
    result = host.act("deployment_replace_model", 2, host.package(model=b"broken"), attempt=2)

    assert ("rolled_back", "not_ready", True) == tuple(result[key] for key in ("outcome", "cause", "old_model_in_use"))
    assert (1, old["identity"]["port"]) == tuple(result["identity"][key] for key in ("generation", "port"))


def test_an_attempt_after_a_recorded_switch_still_sees_to_the_next_boot(host):
    """Killed between state.json and what follows it: the last five releases, no more, all the same."""
    package = host.package()
    host.act("deployment_launch", 7, package)
    for generation in range(1, 7):
        Path(host.own().release(generation)).mkdir()
    host.act("deployment_launch", 7, package, attempt=2)

    assert {"3", "4", "5", "6", "7"} == {path.name for path in Path(host.own().releases).iterdir()}


def test_a_damaged_fence_lets_nobody_in(host):
    """Not even the newest: who knows what it had said."""
    host.act("deployment_stop", 5)
    Path(host.own().fence).write_text('{"generation":5,')
    result = host.act("deployment_launch", 6, host.package())

    assert ("failed", True) == (result["outcome"], "is damaged" in result["message"])


def test_a_supervisor_nobody_had_seen_is_gone_after_a_stop(host):
    """It records nothing on a refusing disk, and lets go all the same."""
    host.act("deployment_launch", 1, host.package())
    slot = slots.find(host.own(), "a")
    supervisor, server = slot.supervisor, slot.server
    Path(slot.folder, "process.json").unlink()
    slots.stop(slot, 5.0)

    assert (False, False) == (supervisor.alive, server.alive)
